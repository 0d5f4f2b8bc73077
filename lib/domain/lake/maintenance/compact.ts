import { concatBatches } from '../../kernel/concat-columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import { inParallel } from '../../kernel/in-parallel.ts'
import { ApplicableDeletes } from '../applicable-deletes.ts'
import type { TableName } from '../catalog.ts'
import { type Change, type CommitOptions, commit } from '../commit.ts'
import type { DataFile } from '../data-file.ts'
import { refuseOnHold } from '../fences.ts'
import { LiveRowReader } from '../live-rows.ts'
import { allFields } from '../schema.ts'
import type { LiveDataFile, SnapshotContents } from '../snapshot-contents.ts'
import { OPERATION, tally } from '../snapshot-summary.ts'
import { type Lake, requireTable, type Table } from '../table.ts'
import { writeDataFiles } from '../write-data-files.ts'
import { type CompactionSizes, planCompaction, type WornFile } from './plan-compaction.ts'

export interface CompactOptions extends CompactionSizes {
  readonly commit?: CommitOptions
  /** Asked before each portion of the work: true ends it there, with all that was done committed. */
  readonly shallStop?: () => boolean
  /** How many of the small files that are worth it have been dealt with. */
  readonly onProgress?: (files: number, of: number) => void
}

export interface CompactionReport {
  readonly commits: number
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly rows: number
  /** Rows that were deleted before, and are not in the new files any more. */
  readonly deletedRows: number
  /** Files of row deletes that no data file needs any more, and that went too. */
  readonly deleteFiles: number
  /** Files that others had removed by the time of the commit: they are left as those made them. */
  readonly outdated: number
  /** Whether nothing is left that was worth it when it began; false if it was told to stop. */
  readonly isComplete: boolean
}

/** Files that hold the very rows of others. */
interface Rewrite {
  readonly from: readonly LiveDataFile[]
  /** By path of the former, the delete files whose rows were left out. */
  readonly applied: ReadonlyMap<string, readonly string[]>
  readonly deletedRows: number
  readonly to: readonly DataFile[]
  /** What the rows were read by. */
  readonly table: Table
  readonly writtenAtMs: number
}

const REWRITES_PER_COMMIT = 8
const READS_AT_ONCE = 8

/**
 * Orphan removal spares objects for a day: what was written and not committed by then may be gone.
 */
const FRESH_MS = 12 * 3_600_000

/**
 * Makes large files of small ones, and leaves deleted rows out. No row changes: each snapshot is a `replace` with as many
 * rows as before that are not deleted, whose files are parted and sorted as the table wants it now; files of row deletes
 * that no data file needs any more go with it. Goes on beside live appends: what somebody else has removed meanwhile
 * is left to him, the rest is committed; an interrupted run leaves the table whole and some objects that nothing names.
 *
 * Throws `lake.onHold`, `lake.unsupportedTable` for row deletes of a format that is not Parquet, and what `commit` throws.
 */
export async function compact(
  lake: Lake,
  name: TableName,
  options: CompactOptions = {},
): Promise<CompactionReport> {
  const { table } = await requireTable(lake, name)
  refuseOnHold(table)
  const contents = await table.contents()
  const reader = new LiveRowReader(lake.objects, table.metadata, contents.deletes)
  const groups = planCompaction(await worn(reader, contents), options)
  const done: Rewrite[] = []
  const planned = groups.flat().length
  let [commits, outdated, deleteFiles, seen, at] = [0, 0, 0, 0, 0]
  options.onProgress?.(0, planned)
  while (at < groups.length && !options.shallStop?.()) {
    const rewrites: Rewrite[] = []
    // Stopped in between, what is rewritten by then is committed.
    while (at < groups.length && rewrites.length < REWRITES_PER_COMMIT) {
      if (rewrites.length > 0 && options.shallStop?.()) break
      const from = groups[at++]!
      rewrites.push(await rewrite(lake, table, reader, from))
      seen += from.length
      options.onProgress?.(seen, planned)
    }
    const committed = await commitRewrites(lake, name, rewrites, options.commit)
    if (committed.rewrites.length > 0) commits++
    done.push(...committed.rewrites)
    deleteFiles += committed.deleteFiles
    outdated += countFrom(rewrites) - countFrom(committed.rewrites)
  }
  const [before, after] = [
    done.flatMap(({ from }) => from.map(({ file }) => file)),
    done.flatMap(({ to }) => to),
  ]
  return {
    commits,
    filesBefore: before.length,
    filesAfter: after.length,
    bytesBefore: tally(before).bytes,
    bytesAfter: tally(after).bytes,
    rows: tally(after).rows,
    deletedRows: done.reduce((sum, one) => sum + one.deletedRows, 0),
    deleteFiles,
    outdated,
    isComplete: at >= groups.length,
  }
}

/** The files with what is known of their deleted rows. */
async function worn(
  reader: LiveRowReader,
  { data }: SnapshotContents,
): Promise<readonly WornFile[]> {
  return await inParallel(data, READS_AT_ONCE, async (one) => {
    const isByValue = reader.deletesOf(one).some(({ file }) => file.kind === 'equality')
    const deletedRows = isByValue ? one.file.recordCount : await reader.deletedByPosition(one)
    return { data: one, deletedRows }
  })
}

async function rewrite(
  lake: Lake,
  table: Table,
  reader: LiveRowReader,
  from: readonly LiveDataFile[],
): Promise<Rewrite> {
  const read = await inParallel(from, READS_AT_ONCE, (one) => reader.read(one, table.schema))
  const writtenAtMs = lake.clock.nowMs()
  const rows = concatBatches(read.map(({ batch }) => batch))
  return {
    from,
    applied: new Map(from.map(({ file }, at) => [file.path, read[at]!.applied])),
    deletedRows: read.reduce((sum, one) => sum + one.deletedRows, 0),
    to: rows.rows === 0 ? [] : await writeDataFiles(lake, table, rows),
    table,
    writtenAtMs,
  }
}

interface Committed {
  readonly rewrites: readonly Rewrite[]
  /** Of row deletes that went. */
  readonly deleteFiles: number
}

/**
 * Commits those of the rewrites whose files are all still there, with the deletes that they had when they were read, and
 * says which these were.
 */
async function commitRewrites(
  lake: Lake,
  name: TableName,
  rewrites: readonly Rewrite[],
  options: CommitOptions | undefined,
): Promise<Committed> {
  let last: Committed = { rewrites: [], deleteFiles: 0 }
  const { committed } = await commit(
    lake,
    name,
    async (table): Promise<Change | undefined> => {
      refuseOnHold(table)
      const contents = await table.contents()
      const valid = rewrites.filter(isStillValid(table, contents))
      // Nothing is left: all of it is outdated, or the attempt whose answer was lost has done it.
      if (valid.length === 0) return undefined
      for (const one of valid) refuseStale(lake, one)
      const removed = new Set(valid.flatMap(({ from }) => from.map(({ file }) => file.path)))
      const left = contents.data.filter(({ file }) => !removed.has(file.path))
      const removedDeletes = ApplicableDeletes.notNeeded(table.metadata, {
        data: left,
        deletes: contents.deletes,
      })
      last = { rewrites: valid, deleteFiles: removedDeletes.length }
      return {
        files: valid.flatMap(({ to }) => to),
        removed: [...removed],
        removedDeletes,
        applied: valid.flatMap(({ applied }) => [...applied.values()].flat()),
        deletedRows: valid.reduce((sum, one) => sum + one.deletedRows, 0),
        isRewrite: true,
        summary: { [OPERATION]: 'compaction' },
        setProperties: () => ({}),
      }
    },
    options,
  )
  return committed ? last : { rewrites: [], deleteFiles: 0 }
}

function isStillValid(table: Table, { data, deletes }: SnapshotContents) {
  const live = new Map(data.map((one) => [one.file.path, one]))
  const index = new ApplicableDeletes(table.metadata, deletes)
  const hasSameDeletes = (path: string, applied: readonly string[]) => {
    const one = live.get(path)
    const now = one && index.to(one).map(({ file }) => file.path)
    return now?.every((one) => applied.includes(one)) ?? false
  }
  return ({ from, applied, table: then }: Rewrite) =>
    from.every(({ file }) => hasSameDeletes(file.path, applied.get(file.path)!)) &&
    hasAllColumns(table, then)
}

/** Whether a table read as it was then lacks nothing that old files may hold for it now: a column taken back in. */
function hasAllColumns(now: Table, then: Table): boolean {
  const known = new Set(allFields(then.schema.fields).map(({ id }) => id))
  const lastThen = then.metadata['last-column-id']
  return allFields(now.schema.fields).every(({ id }) => known.has(id) || id > lastThen)
}

function refuseStale({ clock }: Lake, { writtenAtMs, to }: Rewrite): void {
  if (clock.nowMs() - writtenAtMs < FRESH_MS) return
  throw new PlatformError(
    'lake.filesStale',
    'files that were rewritten twelve hours ago may be gone before they are committed: start again',
    { retryable: true, context: { path: to[0]?.path } },
  )
}

function countFrom(rewrites: readonly Rewrite[]): number {
  return rewrites.reduce((total, { from }) => total + from.length, 0)
}
