import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import { LiveRowReader } from '#lib/domain/lake/live-rows.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import type { WindowSlots } from './closed-windows.ts'
import {
  encodeFinalRows,
  type FinalRow,
  featureTableSchema,
  featureTableSpec,
  finalRowKeys,
  sameValues,
} from './feature-table.ts'
import type { FinalView } from './finalize-windows.ts'
import type { Revision } from './touched-panes.ts'
import { mergedValues } from './window-values.ts'

/** What a commit changes in a feature table: files that stand in the store, and files that they replace. */
export interface ResultFiles {
  readonly files: readonly DataFile[]
  readonly removed: readonly string[]
  /** Files of row deletes that were taken into account. */
  readonly applied: readonly string[]
  /** Rows of windows that became final. */
  readonly rows: number
  /** Rows that replace others, or come after their window was closed. */
  readonly revised: number
}

const MICROS_PER_DAY = 86_400_000_000

/** Writes the rows of closed windows, and those files anew of which rows are replaced. */
export async function resultFiles(
  run: FinalView,
  table: Table,
  chunks: AsyncIterable<readonly WindowSlots[]>,
  revision: Revision,
): Promise<ResultFiles> {
  const files: DataFile[] = []
  let rows = 0
  for await (const chunk of chunks) {
    rows += chunk.length
    files.push(
      ...(await writeRows(
        run,
        batchOf(
          run,
          chunk.map((one) => rowOf(run, one, 0)),
        ),
      )),
    )
  }
  const revised = await revisedFiles(run, table, revision)
  return {
    files: [...files, ...revised.files],
    removed: revised.removed,
    applied: revised.applied,
    rows,
    revised: revised.rows,
  }
}

function rowOf(run: FinalView, { key, window, slots }: WindowSlots, revision: number): FinalRow {
  return {
    key,
    windowStart: window.start,
    windowEnd: window.end,
    revision,
    computedAtMs: run.lake.clock.nowMs(),
    values: mergedValues(run.view, run.contract, slots),
  }
}

function batchOf(run: FinalView, rows: readonly FinalRow[]): ColumnBatch {
  // By window, so that statistics of the file tell windows apart.
  const sorted = [...rows].sort(
    (a, b) => a.windowStart - b.windowStart || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  )
  return encodeFinalRows(run.view, run.contract, sorted)
}

async function revisedFiles(
  run: FinalView,
  table: Table,
  { windows, replaced }: Revision,
): Promise<Omit<ResultFiles, 'revised'>> {
  if (replaced.length === 0) return { files: [], removed: [], applied: [], rows: 0 }
  const now = new Map(windows.map((one) => [idOf(one.key, one.window.start), one]))
  const revisions = new Map<string, number>()
  const isSame = new Set<string>()
  const rangesOf = Map.groupBy(replaced, ({ key }) => key)
  const kept: { path: string; batch: ColumnBatch; rows: readonly number[] }[] = []
  const applied = new Set<string>()
  for await (const { path, batch, deletes } of filesOf(run, table, replaced)) {
    for (const one of deletes) applied.add(one)
    const dropped = new Set<number>()
    for (const [row, found] of finalRowKeys(run.view, run.contract, batch).entries()) {
      const range = rangesOf
        .get(found.key)
        ?.find(({ from, to }) => found.windowStart >= from && found.windowStart < to)
      if (range === undefined) continue
      const id = idOf(found.key, found.windowStart)
      const window = now.get(id)
      if (window !== undefined && window.window.end === found.windowEnd) {
        const fresh = encodeFinalRows(run.view, run.contract, [rowOf(run, window, 0)])
        if (sameValues(run.view, { batch, row }, { batch: fresh, row: 0 })) {
          isSame.add(id)
          continue
        }
      }
      dropped.add(row)
      // Of sessions that have grown together the row goes on that starts first.
      const next = idOf(range.key, now.has(id) ? found.windowStart : range.from)
      revisions.set(next, Math.max(revisions.get(next) ?? 0, found.revision + 1))
    }
    if (dropped.size > 0) {
      const rows = Array.from({ length: batch.rows }, (_, row) => row)
      kept.push({ path, batch, rows: rows.filter((row) => !dropped.has(row)) })
    }
  }
  const rows = [...now]
    .filter(([id]) => !isSame.has(id))
    .map(([id, window]) => rowOf(run, window, revisions.get(id) ?? 0))
  const files: DataFile[] = rows.length === 0 ? [] : [...(await writeRows(run, batchOf(run, rows)))]
  for (const { batch, rows: left } of kept) {
    if (left.length > 0) files.push(...(await writeRows(run, takeRows(batch, left))))
  }
  return { files, removed: kept.map(({ path }) => path), applied: [...applied], rows: rows.length }
}

/** The live files that may hold rows of these ranges: those of the days on which they start. */
async function* filesOf(
  run: FinalView,
  table: Table,
  ranges: Revision['replaced'],
): AsyncGenerator<{ path: string; batch: ColumnBatch; deletes: readonly string[] }> {
  const days = new Set<number>()
  for (const { from, to } of ranges) {
    for (let day = dayOf(from); day <= dayOf(to - 1); day++) days.add(day)
  }
  const { fields } = featureTableSchema(run.view, run.contract)
  const contents = await table.contents()
  // Rows that another engine has deleted one by one must not come back.
  const reader = new LiveRowReader(run.lake.objects, table.metadata, contents.deletes)
  for (const data of contents.data) {
    const day = data.file.partition.window_start_day
    if (typeof day === 'number' && !days.has(day)) continue
    const { batch, applied } = await reader.read(data, { fields })
    yield { path: data.file.path, batch, deletes: applied }
  }
}

function dayOf(micros: Micros): number {
  return Math.floor(micros / MICROS_PER_DAY)
}

async function writeRows(run: FinalView, batch: ColumnBatch): Promise<readonly DataFile[]> {
  const schema = featureTableSchema(run.view, run.contract)
  const written: DataFile[] = []
  for (const { rows, path, partition } of partitionRows(schema, featureTableSpec(), batch)) {
    const encoded = encodeParquet(schema, takeRows(batch, rows))
    const location = `s3://${run.layout.bucket}/features/${run.table.name}/data`
    const uri = `${location}/${path}/${contentHash(encoded.bytes)}.parquet`
    await run.lake.objects.put(uri, encoded.bytes)
    written.push(dataFile(uri, partition, encoded))
  }
  return written
}

function idOf(key: string, windowStart: Micros): string {
  return `${windowStart}/${key}`
}
