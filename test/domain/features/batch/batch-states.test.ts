import { expect, it } from 'vitest'
import {
  type BatchView,
  batchViewOf,
  type KeyPanes,
} from '#lib/domain/features/batch/batch-states.ts'
import { finalRowsOf, windowsOfKey } from '#lib/domain/features/batch/batch-windows.ts'
import { decodeKeyPanes, encodeKeyPanes } from '#lib/domain/features/batch/chunk-file.ts'
import { computeBatch, computeChunk } from '#lib/domain/features/batch/compute-chunk.ts'
import { type BatchLimits, planBatch } from '#lib/domain/features/batch/plan-batch.ts'
import { loadTable, type Table } from '#lib/domain/lake/table.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { Slot } from '#lib/domain/process/slot-store.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'
import { MAX_TIME } from '#lib/domain/process/window.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import {
  eventContract,
  eventText,
  feed,
  KEY_FIELDS,
  randomEvents,
} from '#test/support/random-events.ts'
import { RandomViews } from '#test/support/random-views.ts'

const START_MS = Date.UTC(2026, 2, 1)

async function tableOf(cell: MemoryCell): Promise<Table> {
  const lake = {
    objects: cell.objects,
    catalog: cell.catalog,
    clock: cell.clock,
    ids: { snapshotId: () => 0n, uuid: () => '' },
  }
  return (await loadTable(lake, { database: 'weir', name: 'tests' }))!
}

function isAccepted(view: ViewDefinition): boolean {
  try {
    const versions = { current: eventContract, majors: [eventContract] }
    checkViews(contractOfView(view, versions as never), [view])
    return true
  } catch {
    return false
  }
}

async function batchOf(cell: MemoryCell, view: BatchView, to = MAX_TIME, limits?: BatchLimits) {
  const table = await tableOf(cell)
  const plan = await planBatch(cell.objects, table, view, { to }, limits)
  const maxRows = limits?.maxRows
  const source = {
    objects: cell.objects,
    table,
    view,
    ...(maxRows === undefined ? {} : { maxRows }),
  }
  return { plan, source, keys: await computeBatch(source, plan) }
}

/** What the stream's slots come to, pane by pane over all shards. */
function ofSlots(view: BatchView, slots: readonly Slot[]) {
  const panes = Map.groupBy(
    slots.filter((slot) => slot.view === view.name),
    ({ key, paneStart }) => JSON.stringify([key, paneStart]),
  )
  const values = [...panes].map(([id, held]): [string, string] => [
    id,
    JSON.stringify(mergedValues(view.view, view.contract, held)),
  ])
  return new Map(values.sort())
}

function ofBatch({ view, contract }: BatchView, keys: readonly KeyPanes[]) {
  const values = keys.flatMap(({ key, panes }) =>
    panes.map((pane): [string, string] => [
      JSON.stringify([key, pane.paneStart]),
      JSON.stringify(mergedValues(view, contract, [{ ...pane, shard: '' }])),
    ]),
  )
  return new Map(values.sort())
}

it.each([1, 2, 3])(
  'a batch over the table has the values of the stream, however it is cut (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const made = new RandomViews(eventContract, random)
    const views = Array.from({ length: 25 }, (_, at) => made.view(`view-${at}`, KEY_FIELDS))
    const cell = new MemoryCell(eventContract)
    cell.views = views.filter(isAccepted)
    expect(cell.views.length).toBeGreaterThan(10)
    await feed(cell, randomEvents(random, { startMs: START_MS, days: 3, count: 300 }), {
      arrivalMs: START_MS + 5 * 86_400_000,
    })
    await cell.update()

    for (const definition of cell.views) {
      const view = batchViewOf(definition, cell.contracts)
      const whole = await batchOf(cell, view)
      expect(ofBatch(view, whole.keys), JSON.stringify(definition)).toEqual(
        ofSlots(view, cell.slots.all()),
      )

      const cut = await batchOf(cell, view, MAX_TIME, { chunkSeconds: 40_000, maxRows: 50 })
      expect(cut.plan.parts).toBeGreaterThan(1)
      expect(encodeKeyPanes(view, cut.keys).toString()).toBe(
        encodeKeyPanes(view, whole.keys).toString(),
      )
    }
  },
)

const hourly: ViewDefinition = {
  name: 'hourly',
  description: 'By key and hour.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'sum', function: 'sum', field: 'price' },
  ],
  freshnessSeconds: 60,
}

async function hourlyCell() {
  const random = seededRandom(9)
  const cell = new MemoryCell(eventContract)
  cell.views = [hourly]
  const at = (hours: number) => START_MS + hours * 3_600_000
  const texts = [0.5, 1.2, 1.9, 25, 26.5].map((hours, i) =>
    eventText({ id: `${i}`, atMs: at(hours), key: i % 2 === 0 ? 'a' : 'b', price: 1 }, random),
  )
  await feed(cell, texts, { arrivalMs: at(48), atOnce: 1 })
  return { cell, view: batchViewOf(hourly, cell.contracts), hour: (n: number) => at(n) * 1000 }
}

it('computes the panes that lie in the range whole', async () => {
  const { cell, view, hour } = await hourlyCell()
  const table = await tableOf(cell)
  const panesIn = async (from: number, to: number) => {
    const plan = await planBatch(cell.objects, table, view, { from, to })
    const keys = await computeBatch({ objects: cell.objects, table, view }, plan)
    return keys.flatMap(({ panes }) => panes.map(({ paneStart }) => paneStart)).sort()
  }

  expect(await panesIn(hour(0), hour(2))).toEqual([hour(0), hour(1), hour(1)])
  // A pane that is cut by either end would be a wrong number.
  expect(await panesIn(hour(0) + 1, hour(2))).toEqual([hour(1), hour(1)])
  expect(await panesIn(hour(0), hour(2) - 1)).toEqual([hour(0)])
  expect(await panesIn(hour(3), hour(3))).toEqual([])
})

it('reads only the files that can hold rows of a chunk, and names them', async () => {
  const { cell, view, hour } = await hourlyCell()
  const table = await tableOf(cell)
  const plan = await planBatch(cell.objects, table, view, { to: hour(48) })

  expect(plan.chunks.map(({ from, to }) => [from, to])).toEqual([
    [hour(0), hour(24)],
    [hour(24), hour(48)],
  ])
  expect(plan.chunks.map(({ files, rows }) => [files, rows])).toEqual([
    [3, 3],
    [2, 2],
  ])

  const random = seededRandom(3)
  await feed(cell, [eventText({ id: 'late', atMs: START_MS + 1, key: 'a', price: 1 }, random)], {
    arrivalMs: START_MS + 50 * 3_600_000,
  })
  const again = await planBatch(cell.objects, await tableOf(cell), view, { to: hour(48) })
  expect(again.chunks[0]!.inputs).not.toBe(plan.chunks[0]!.inputs)
  expect(again.chunks[1]!.inputs).toBe(plan.chunks[1]!.inputs)
})

it('counts rows that came too late for the stream', async () => {
  const contract = { ...eventContract, allowedLatenessSeconds: 60, outOfOrdernessSeconds: 60 }
  const cell = new MemoryCell(contract)
  cell.views = [hourly]
  const random = seededRandom(4)
  const event = (id: string, hours: number) =>
    eventText({ id, atMs: START_MS + hours * 3_600_000, key: 'a', price: 1 }, random)
  for (const [id, hours] of [
    ['first', 0.5],
    ['ahead', 5],
    ['late', 0.6],
  ] as const) {
    await feed(cell, [event(id, hours)], { arrivalMs: START_MS + 6 * 3_600_000 })
  }
  await cell.update()
  const view = batchViewOf(hourly, cell.contracts)

  expect(ofSlots(view, cell.slots.all()).get(JSON.stringify(['a', START_MS * 1000]))).toBe(
    '[1,1.00]',
  )
  const { keys } = await batchOf(cell, view)
  expect(ofBatch(view, keys).get(JSON.stringify(['a', START_MS * 1000]))).toBe('[2,2.00]')
})

it('a chunk computed twice is equal to the byte, part by part', async () => {
  const { cell, view } = await hourlyCell()
  const { plan, source } = await batchOf(cell, view, MAX_TIME, { maxRows: 1 })
  const bytes = async () => {
    const parts: [number, string][] = []
    for (const chunk of plan.chunks) {
      for await (const { part, keys } of computeChunk(source, plan, chunk)) {
        parts.push([part, encodeKeyPanes(view, keys).toString()])
      }
    }
    return parts
  }

  const once = await bytes()
  expect(once.length).toBe(plan.chunks.length * plan.parts)
  expect(new Set(once.map(([part]) => part)).size).toBe(plan.parts)
  expect(await bytes()).toEqual(once)
})

it('refuses states of another definition, and damaged ones', async () => {
  const { cell, view } = await hourlyCell()
  const { keys } = await batchOf(cell, view)
  const bytes = encodeKeyPanes(view, keys)

  expect(decodeKeyPanes('s3://x', view, bytes)).toEqual(keys)
  const other = { ...view, definition: 'another' }
  expect(() => decodeKeyPanes('s3://x', other, bytes)).toThrow('another definition')
  const cutOff = bytes.subarray(0, bytes.lastIndexOf('["b"'))
  expect(() => decodeKeyPanes('s3://x', view, cutOff)).toThrow('has 1 keys, not 2')
  const damaged = Buffer.from(bytes.toString().replace('["b"', '["b'))
  expect(() => decodeKeyPanes('s3://x', view, damaged)).toThrow('damaged')
})

it('gives windows of a range as rows of the feature table', async () => {
  const { cell, hour } = await hourlyCell()
  const sliding = batchViewOf(
    {
      ...hourly,
      name: 'two-hours',
      window: { kind: 'sliding', sizeSeconds: 7200, slideSeconds: 3600 },
    },
    cell.contracts,
  )
  const { keys } = await batchOf(cell, sliding)
  const a = keys.find(({ key }) => key === 'a')!

  expect(windowsOfKey(sliding, a).map(({ window }) => window.start)).toEqual(
    [-1, 0, 1, 25, 26].map(hour),
  )
  const rows = finalRowsOf(sliding, a, {
    isWanted: ({ start }) => start === hour(0),
    computedAtMs: 7,
  })
  expect(JSON.parse(JSON.stringify(rows))).toEqual([
    {
      key: 'a',
      windowStart: hour(0),
      windowEnd: hour(2),
      revision: 0,
      computedAtMs: 7,
      values: [2, 2],
    },
  ])
})
