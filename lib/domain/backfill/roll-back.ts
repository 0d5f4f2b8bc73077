import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { refuseOnHold } from '#lib/domain/lake/fences.ts'
import { LiveRowReader } from '#lib/domain/lake/live-rows.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { OPERATION } from '#lib/domain/lake/snapshot-summary.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { featureTableSchema, finalRowKeys, valueTexts } from '#lib/domain/process/feature-table.ts'
import { type Announce, eventOf } from './announce.ts'
import { type Backfill, type Decision, overlaps } from './backfill.ts'
import { changeBackfill, requireBackfill } from './backfill-store.ts'
import { publishedOf, takenBackProperties } from './claims.ts'
import { BACKFILL, chunkRecords } from './landing.ts'
import { MICROS_PER_DAY } from './plan.ts'
import {
  type BackfillDependencies,
  type BackfilledView,
  backfilledView,
  type DayFiles,
  filesByDay,
  standing,
} from './range-tables.ts'
import { requireRound } from './run-chunk.ts'

export interface RollBackDependencies extends BackfillDependencies {
  readonly announce: Announce
}

/**
 * Takes a published backfill back: the range's rows are again what they were before, in one swap. Rows that live data has
 * changed since stay as they are, and rows that somebody has deleted since do not come back. A repeat changes nothing.
 *
 * Throws `backfill.notPublished`, `backfill.superseded` where a later one was published into the range, `lake.snapshotGone`
 * once the snapshot before has expired, `lake.onHold`.
 */
export async function rollBackBackfill(
  deps: RollBackDependencies,
  id: string,
  decision: Decision,
): Promise<Backfill> {
  const { store, lake, swap, announce } = deps
  const backfill = await requireBackfill(store, id)
  const known = backfilledView(deps, backfill.request)
  if (backfill.state === 'rolledBack') return backfill
  if (backfill.state !== 'published') {
    throw new PlatformError(
      'backfill.notPublished',
      `backfill ${id} is ${backfill.state}: there is nothing to take back`,
    )
  }
  let keptRows = 0
  const { table, snapshotId } = await commit(
    lake,
    known.target,
    async (current) => {
      if (!publishedOf(current).some((one) => one.id === id)) return undefined
      refuseOnHold(current)
      refuseSuperseded(current, backfill)
      const restored = await restoration(deps, backfill, known, current)
      keptRows = restored.keptRows
      return {
        ...restored.change,
        summary: { [OPERATION]: 'backfill-rollback', [BACKFILL]: id },
        setProperties: () => takenBackProperties(current, id),
      }
    },
    swap,
  )
  const snapshot = String(snapshotId ?? table.currentSnapshot!.snapshotId)
  const rolledBack = await changeBackfill(store, id, (now) =>
    now.state === 'rolledBack'
      ? now
      : { ...now, state: 'rolledBack', rollback: { ...decision, snapshot, keptRows } },
  )
  await announce(eventOf(rolledBack, 'rolledBack', known))
  return rolledBack
}

function refuseSuperseded(current: Table, { id, request }: Backfill): void {
  const all = publishedOf(current)
  const later = all.slice(
    0,
    all.findIndex((one) => one.id === id),
  )
  const other = later.find((one) => overlaps(one, request))
  if (other === undefined) return
  throw new PlatformError(
    'backfill.superseded',
    `backfill ${other.id} was published into a part of this range later: roll that one back first`,
    { context: { later: other.id } },
  )
}

const NOTHING: DayFiles = { data: [], deletes: [] }

async function restoration(
  deps: BackfillDependencies,
  backfill: Backfill,
  known: BackfilledView,
  current: Table,
) {
  const { lake } = deps
  const { request } = backfill
  const before = standing(lake, current, requireRound(backfill).present)
  const [then, now] = [
    await filesByDay(lake, before, request),
    await filesByDay(lake, current, request),
  ]
  const { records } = await chunkRecords(deps, backfill)
  const published = Map.groupBy(
    records.flatMap(({ files }) => files),
    ({ partition }) => Number(partition.window_start_day) * MICROS_PER_DAY,
  )
  const days = new Set([...then.keys(), ...now.keys(), ...published.keys()])
  const files: DataFile[] = []
  let keptRows = 0
  for (const day of days) {
    const sides = {
      old: then.get(day) ?? NOTHING,
      now: now.get(day) ?? NOTHING,
      ours: published.get(day) ?? [],
    }
    if (isAsPublished(sides) && sides.old.deletes.length === 0) {
      files.push(...sides.old.data.map(({ file }) => file))
      continue
    }
    const merged = await mergedDay(deps, known, { before, current }, sides)
    keptRows += merged.keptRows
    for (const batch of merged.batches) files.push(...(await writeDataFiles(lake, current, batch)))
  }
  const going = [...now.values()]
  return {
    keptRows,
    change: {
      files,
      removed: going.flatMap(({ data }) => data.map(({ file }) => file.path)),
      applied: [...new Set(going.flatMap(({ deletes }) => deletes))],
    },
  }
}

interface Sides {
  readonly old: DayFiles
  readonly now: DayFiles
  readonly ours: readonly DataFile[]
}

/** Whether the day has the very files that the backfill has put there: then nobody has changed it since. */
function isAsPublished({ now, ours }: Sides): boolean {
  const paths = new Set(ours.map(({ path }) => path))
  const isSame =
    now.data.length === paths.size && now.data.every(({ file }) => paths.has(file.path))
  return isSame && now.deletes.length === 0
}

/**
 * A day by its rows: what it had before, but for rows that were changed or deleted since it was published. The same row is
 * one of the same key and window.
 */
async function mergedDay(
  { lake }: BackfillDependencies,
  { view, contract }: BackfilledView,
  tables: { readonly before: Table; readonly current: Table },
  { old, now, ours }: Sides,
): Promise<{ readonly batches: readonly ColumnBatch[]; readonly keptRows: number }> {
  const schema = featureTableSchema(view, contract)
  const names = schema.fields.map(({ name }) => name)
  const rowsOf = (batch: ColumnBatch) =>
    finalRowKeys(view, contract, batch).map((row, at) => ({
      id: `${row.windowStart}/${row.windowEnd}/${row.key}`,
      text: JSON.stringify(valueTexts(batch, at, names)),
    }))
  const published = new Map<string, string>()
  for (const file of ours) {
    for (const { id, text } of rowsOf(await readDataFile(lake.objects, file, schema))) {
      published.set(id, text)
    }
  }
  const live = new Set<string>()
  const batches: ColumnBatch[] = []
  let keptRows = 0
  for (const batch of await batchesOf(lake, tables.current, now, schema)) {
    const rows = rowsOf(batch)
    const changed = rows.flatMap(({ id, text }, at) => (published.get(id) === text ? [] : [at]))
    for (const { id } of rows) live.add(id)
    for (const at of changed) published.set(rows[at]!.id, CHANGED)
    keptRows += changed.length
    if (changed.length > 0) batches.push(takeRows(batch, changed))
  }
  for (const batch of await batchesOf(lake, tables.before, old, schema)) {
    const restored = rowsOf(batch).flatMap(({ id }, at) => {
      const since = published.get(id)
      const isChanged = since === CHANGED || (since !== undefined && !live.has(id))
      return isChanged ? [] : [at]
    })
    if (restored.length > 0) batches.push(takeRows(batch, restored))
  }
  return { batches, keptRows }
}

/** No text of a row. */
const CHANGED = ''

async function batchesOf(
  lake: Pick<BackfillDependencies['lake'], 'objects'>,
  table: Table,
  { data }: DayFiles,
  schema: ReturnType<typeof featureTableSchema>,
): Promise<readonly ColumnBatch[]> {
  const { deletes } = await table.contents()
  const reader = new LiveRowReader(lake.objects, table.metadata, deletes)
  const batches: ColumnBatch[] = []
  for (const one of data) batches.push((await reader.read(one, schema)).batch)
  return batches
}
