import { expect, it } from 'vitest'
import { batchViewOf } from '#lib/domain/features/batch/batch-states.ts'
import { asOf, knownAt, readHistory } from '#lib/domain/features/training/feature-history.ts'
import { reportSkew } from '#lib/domain/features/training/skew.ts'
import {
  buildTrainingSet,
  leaksIn,
  type TrainingSet,
} from '#lib/domain/features/training/training-set.ts'
import { type Column, type ColumnBatch, isNull } from '#lib/domain/kernel/columns.ts'
import { ALWAYS } from '#lib/domain/lake/predicate/predicate.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { closedOf } from '#lib/domain/process/finalize-windows.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { MAX_TIME, MIN_TIME } from '#lib/domain/process/window.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { eventContract, eventText, feed } from '#test/support/random-events.ts'

const START_MS = Date.UTC(2026, 2, 1)
const MINUTE = 60_000_000
const HOUR = 60 * MINUTE
const at = (hours: number) => START_MS * 1000 + hours * HOUR

/** Final ten minutes after its end: five for disorder, five of lateness. */
const contract = { ...eventContract, allowedLatenessSeconds: 300, outOfOrdernessSeconds: 300 }
const hourly: ViewDefinition = {
  name: 'by-hour',
  description: 'By key and hour.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'sum', function: 'sum', field: 'price' },
    { name: 'often', function: 'topk', field: 'price', k: 2 },
  ],
  freshnessSeconds: 60,
}

async function cellWith(events: readonly (readonly [hours: number, price: number])[]) {
  const cell = new MemoryCell(contract)
  cell.views = [hourly]
  const random = seededRandom(1)
  for (const [place, [hours, price]] of events.entries()) {
    const text = eventText(
      { id: `${place}`, atMs: START_MS + hours * 3_600_000, key: 'a', price },
      random,
    )
    await feed(cell, [text], { arrivalMs: START_MS + 86_400_000 + place })
  }
  await cell.update()
  await cell.finalize({
    parents: async () => new Map([['shard-0', []]]),
    isIdle: async () => false,
  })
  let ids = 10n ** 9n
  const lake = {
    objects: cell.objects,
    catalog: cell.catalog,
    clock: cell.clock,
    ids: { snapshotId: () => ++ids, uuid: () => `uuid-${++ids}` },
  }
  const table = async (name: string) => (await loadTable(lake, { database: 'weir', name }))!
  return { cell, lake, table }
}

async function trainingSet(events: Parameters<typeof cellWith>[0]) {
  const { cell, lake, table } = await cellWith(events)
  const all = { from: MIN_TIME, to: MAX_TIME }
  const history = [
    await readHistory(cell.objects, await table('tests_by_hour'), hourly, contract, all),
  ]
  const set: TrainingSet = {
    name: { database: 'weir', name: 'tests_training_fares' },
    location: 's3://bucket/features/tests_training_fares',
    labels: {
      table: await table('tests'),
      ...{ key: 'key', time: 'at', columns: ['price'], where: ALWAYS },
    },
    history,
    contract,
  }
  return { cell, lake, table, set }
}

function rowsOf({ rows, columns }: ColumnBatch, ...names: readonly string[]) {
  const value = (column: Column, row: number) =>
    isNull(column, row) ||
    column.kind === 'struct' ||
    column.kind === 'list' ||
    column.kind === 'utf8'
      ? null
      : Number(column.values[row])
  return Array.from({ length: rows }, (_, row) =>
    names.map((name) => value(columns.get(name)!, row)),
  )
}

it('a label gets the newest window that was known at its time, not the one it lies in', async () => {
  const { cell, lake, table, set } = await trainingSet([
    [0.5, 1],
    [1.5, 2],
    // The window before ends at 1:00 and is known at 1:11.
    [2.18, 4],
    [2.19, 8],
    [9, 16],
  ])
  const report = await buildTrainingSet(lake, set)
  expect(report).toEqual({ table: 'tests_training_fares', rows: 5, unknown: { 'by-hour': 1 } })

  const written = await table('tests_training_fares')
  const scan = await planScan(cell.objects, written)
  const batches = await Promise.all(
    scan.files.map((file) => readPlanned(scan, file, written.schema)),
  )
  const rows = batches.flatMap((batch) =>
    rowsOf(batch, 'price', 'by_hour__events', 'by_hour__sum', 'by_hour__known_at'),
  )
  const known = (hour: number) => at(hour) + 11 * MINUTE
  expect(rows.sort((a, b) => a[0]! - b[0]!)).toEqual([
    [100, null, null, null],
    [200, 1, 100, known(1)],
    [400, 1, 100, known(1)],
    [800, 1, 200, known(2)],
    // Of windows 0, 1 and 2 the newest; nothing came after it.
    [1600, 2, 1200, known(3)],
  ])
})

it('a row that was revised is known from when it was written', () => {
  const row = { windowEnd: at(1), computedAt: at(700) }

  expect(knownAt(contract, { ...row, revision: 0 })).toBe(at(1) + 11 * MINUTE)
  expect(knownAt(contract, { ...row, revision: 1 })).toBe(at(700))
})

it('of windows that were known in another order the newest counts', () => {
  const row = (end: number, known: number) => ({
    windowEnd: at(end),
    knownAt: at(known),
    values: [],
  })
  const rows = [row(2, 2.2), row(3, 3.2), row(1, 7)]

  expect(asOf(rows, at(2))).toBeUndefined()
  expect(asOf(rows, at(3))).toBe(rows[0])
  expect(asOf(rows, at(8))).toBe(rows[1])
  expect(asOf(undefined, at(8))).toBeUndefined()
})

it('notices a leak that is planted, and writes nothing', async () => {
  const { lake, set, table } = await trainingSet([
    [0.5, 1],
    [1.5, 2],
    [9, 16],
  ])
  const [history] = set.history
  const rows = history!.byKey.get('a')!
  // As if the window were known as soon as it begins.
  const early = rows.map((row) => ({ ...row, knownAt: row.windowEnd - HOUR }))
  const leaking = { ...set, history: [{ ...history!, byKey: new Map([['a', early]]) }] }

  await expect(buildTrainingSet(lake, leaking)).rejects.toMatchObject({ code: 'features.leak' })
  expect((await table('tests_training_fares')).currentSnapshot).toBeUndefined()

  await buildTrainingSet(lake, set)
  const written = await table('tests_training_fares')
  const scan = await planScan(lake.objects, written)
  for (const file of scan.files) {
    const batch = await readPlanned(scan, file, written.schema)
    expect(leaksIn(set, batch)).toEqual([])
    const known = batch.columns.get('by_hour__known_at') as Extract<Column, { kind: 'int64' }>
    const later = { ...known, values: known.values.map((one) => one + BigInt(10 * HOUR)) }
    const planted = { ...batch, columns: new Map(batch.columns).set('by_hour__known_at', later) }
    const expected = isNull(known, 0) ? 0 : 1
    expect(leaksIn(set, planted)).toHaveLength(expected)
  }
})

it('does not write over a training set that is there', async () => {
  const { lake, set } = await trainingSet([
    [0.5, 1],
    [9, 16],
  ])
  await buildTrainingSet(lake, set)

  await expect(buildTrainingSet(lake, set)).rejects.toMatchObject({
    code: 'features.trainingSetExists',
  })
  const labels = { ...set.labels, time: 'price' }
  await expect(
    buildTrainingSet(lake, { ...set, name: { ...set.name, name: 'other' }, labels }),
  ).rejects.toMatchObject({ code: 'features.badLabels' })
})

it('skew is what the batch has and was not served, feature by feature', async () => {
  const { cell, lake, table } = await cellWith([
    [0.5, 1],
    [1.5, 2],
    [9, 16],
    // Late by hours.
    [1.6, 3],
    [3.5, 5],
  ])
  const view = batchViewOf(hourly, cell.contracts)
  const features = await table('tests_by_hour')
  const report = await reportSkew(
    lake.objects,
    view,
    { curated: await table('tests'), features, closed: closedOf(features) },
    { from: at(0), to: at(24) },
  )

  expect(report).toMatchObject({ view: 'by-hour', onlyServed: 0, onlyBatch: 1 })
  expect(report.features).toEqual([
    {
      feature: 'events',
      ...{
        compared: 2,
        equal: 1,
        greatestDifference: 1,
        meanDifference: 1,
        meanRelativeDifference: 0.5,
      },
    },
    {
      feature: 'sum',
      ...{
        compared: 2,
        equal: 1,
        greatestDifference: 3,
        meanDifference: 3,
        meanRelativeDifference: 0.6,
      },
    },
    {
      feature: 'often',
      ...{
        compared: 2,
        equal: 1,
        greatestDifference: null,
        meanDifference: null,
        meanRelativeDifference: null,
      },
    },
  ])
})
