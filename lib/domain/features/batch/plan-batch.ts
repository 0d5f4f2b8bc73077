import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { boundOf } from '#lib/domain/lake/predicate/bounds.ts'
import { fileMatch } from '#lib/domain/lake/predicate/files-that-match.ts'
import type { Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import type { LiveDataFile } from '#lib/domain/lake/snapshot-contents.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { specJson } from '#lib/domain/lake/table-metadata.ts'
import { planScan } from '#lib/domain/lake/table-scan.ts'
import { MAX_TIME, MIN_TIME, type Panes, paneStart, panesOf } from '#lib/domain/process/window.ts'
import type { BatchView } from './batch-states.ts'

/** Half-open, UTC micros of event time. */
export interface TimeRange {
  readonly from: Micros
  readonly to: Micros
}

/** A piece of event time that is computed at once; no pane lies in two of them, but for that of a running total. */
export interface BatchChunk extends TimeRange {
  /** Rows and bytes of the files that may hold rows of it: at least as many as are in it. */
  readonly rows: number
  readonly bytes: number
  readonly files: number
  /** Names the files and row deletes it is computed from: what has the same name has the same result. */
  readonly inputs: string
}

/** How a view is computed over a range of a table as it stood at one snapshot. */
export interface BatchPlan {
  /** What the panes of the view lie in whole. */
  readonly range: TimeRange
  /** Those that any file may hold rows of, oldest first. */
  readonly chunks: readonly BatchChunk[]
  /** Into how many parts keys are divided by their hash, so that no part is too large for memory. */
  readonly parts: number
}

export interface BatchLimits {
  /** Of event time; rounded up to whole panes. @default a day */
  readonly chunkSeconds?: number
  /** Rows whose keys and panes are held in memory at once, at most. @default 500,000 */
  readonly maxRows?: number
}

export const BATCH_LIMITS = { chunkSeconds: 86_400, maxRows: 500_000 } as const
/** More parts would be more objects than anybody wants: then keys of one part are more. */
const MOST_PARTS = 256

/**
 * Cuts a range into chunks. What is computed are the panes that lie in the range whole (of a running total, the rows in
 * it); without `from` everything that the table has before `to`.
 */
export async function planBatch(
  objects: Pick<ObjectStore, 'get'>,
  table: Table,
  view: BatchView,
  { from, to }: { readonly from?: Micros; readonly to: Micros },
  { chunkSeconds, maxRows }: BatchLimits = {},
): Promise<BatchPlan> {
  const grid = gridOf(view, chunkSeconds ?? BATCH_LIMITS.chunkSeconds)
  const end = wholeUntil(view, to)
  const start = from === undefined ? MIN_TIME : wholeSince(view, from)
  const { files, reader } = await planScan(objects, table, within(view, { from: start, to: end }))
  const data = files.map((one) => one.data)
  if (start >= end) return { range: { from: start, to: end }, chunks: [], parts: 1 }
  const chunks: BatchChunk[] = []
  for (const [range, candidates] of cut(
    grid,
    { from: start, to: end },
    boundedOf(view, table, data),
  )) {
    const some = candidates.filter((one) => mayHold(table, view, one, range))
    if (some.length === 0) continue
    chunks.push({
      ...range,
      files: some.length,
      rows: some.reduce((sum, { file }) => sum + file.recordCount, 0),
      bytes: some.reduce((sum, { file }) => sum + file.sizeBytes, 0),
      inputs: namesOf(
        some.flatMap((one) => [one.file.path, ...reader.deletesOf(one).map((d) => d.file.path)]),
      ),
    })
  }
  const rows = data.reduce((sum, { file }) => sum + file.recordCount, 0)
  const parts = Math.ceil(rows / (2 * (maxRows ?? BATCH_LIMITS.maxRows)))
  return {
    range: { from: start, to: end },
    chunks,
    parts: Math.min(MOST_PARTS, Math.max(1, parts)),
  }
}

/** The rows of a range. */
export function within({ contract }: BatchView, { from, to }: TimeRange): Predicate {
  const column = contract.eventTime
  return {
    kind: 'and',
    of: [
      { kind: 'compare', column, op: '>=', value: BigInt(from) },
      { kind: 'compare', column, op: '<', value: BigInt(to) },
    ],
  }
}

/** The end of the last pane that ends at or before this. */
export function wholeUntil({ view }: Pick<BatchView, 'view'>, to: Micros): Micros {
  const panes = panesOf(view.window)
  const bounded = Math.min(to, MAX_TIME)
  return Number.isFinite(panes.width) ? paneStart(panes, bounded) : bounded
}

/** The start of the first pane that starts at or after this. */
export function wholeSince({ view }: Pick<BatchView, 'view'>, from: Micros): Micros {
  const panes = panesOf(view.window)
  const bounded = Math.max(from, MIN_TIME)
  if (!Number.isFinite(panes.width)) return bounded
  const start = paneStart(panes, bounded)
  return start < bounded ? start + panes.width : start
}

/** Chunks start on a grid of whole panes, whatever range is asked for: so the same chunk is met again. */
function gridOf({ view }: BatchView, chunkSeconds: number): Panes {
  const { width, offset } = panesOf(view.window)
  const chunk = chunkSeconds * MICROS_PER_SECOND
  if (!Number.isFinite(width)) return { width: chunk, offset: 0 }
  return { width: Math.ceil(chunk / width) * width, offset }
}

/** A file with the event times of its first and last row, as far as its metadata tells. */
interface BoundedFile {
  readonly data: LiveDataFile
  readonly first: Micros
  readonly last: Micros
}

/** Pieces of the range, oldest first, with the files that reach into them; what no file reaches is passed over. */
function cut(
  grid: Panes,
  range: TimeRange,
  files: readonly BoundedFile[],
): readonly (readonly [TimeRange, readonly LiveDataFile[]])[] {
  const byStart = new Map<Micros, LiveDataFile[]>()
  const known = files.filter(({ first, last }) => first > MIN_TIME && last < MAX_TIME)
  // What says nothing of its rows reaches from before the first known row to behind the last one.
  const earliest = known.reduce((least, { first }) => Math.min(least, first), range.to)
  const latest = known.reduce((most, { last }) => Math.max(most, last), range.from)
  const edges = [
    paneStart(grid, Math.max(range.from, earliest)),
    paneStart(grid, latest) + grid.width,
  ]
  const startOf = (time: Micros) => {
    if (time < edges[0]!) return range.from
    return time >= edges[1]! ? edges[1]! : Math.max(range.from, paneStart(grid, time))
  }
  const endOf = (start: Micros) => {
    if (start < edges[0]!) return Math.min(edges[0]!, range.to)
    const end = start >= edges[1]! ? range.to : paneStart(grid, start) + grid.width
    return Math.min(end, range.to)
  }
  for (const { data, first, last } of files) {
    for (
      let at = startOf(Math.max(first, range.from));
      at < range.to && at <= last;
      at = endOf(at)
    ) {
      const some = byStart.get(at)
      if (some === undefined) byStart.set(at, [data])
      else some.push(data)
    }
  }
  const starts = [...byStart.keys()].sort((a, b) => a - b)
  return starts.map((from) => [{ from, to: endOf(from) }, byStart.get(from)!])
}

function boundedOf(
  { contract }: BatchView,
  { schema }: Table,
  files: readonly LiveDataFile[],
): readonly BoundedFile[] {
  const id = schema.fields.find(({ name }) => name === contract.eventTime)!.id
  return files.map((data) => {
    const [lower, upper] = [data.file.lowerBounds[id], data.file.upperBounds[id]]
    if (lower === undefined || upper === undefined) return { data, first: MIN_TIME, last: MAX_TIME }
    const micros = (bound: string) => Number(boundOf('timestamptz', bound))
    return { data, first: micros(lower), last: micros(upper) }
  })
}

function mayHold(table: Table, view: BatchView, { file, specId }: LiveDataFile, range: TimeRange) {
  const spec = specJson(table.metadata, specId)
  return fileMatch(within(view, range), table.schema, file, spec).mayMatch
}

function namesOf(paths: readonly string[]): string {
  return contentHash(Buffer.from(JSON.stringify([...new Set(paths)].sort())))
}
