import { concatBatches } from '../../kernel/concat-columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import { inParallel } from '../../kernel/in-parallel.ts'
import type { TableName } from '../catalog.ts'
import { type Change, type CommitOptions, commit } from '../commit.ts'
import type { DataFile } from '../data-file.ts'
import { refuseOnHold } from '../fences.ts'
import { readDataFile } from '../read-data-file.ts'
import { allFields } from '../schema.ts'
import { type Lake, requireTable, type Table } from '../table.ts'
import { writeDataFiles } from '../write-data-files.ts'
import { type CompactionSizes, planCompaction } from './plan-compaction.ts'

export interface CompactOptions extends CompactionSizes {
  readonly commit?: CommitOptions
}

export interface CompactionReport {
  readonly commits: number
  readonly filesBefore: number
  readonly filesAfter: number
  readonly bytesBefore: number
  readonly bytesAfter: number
  readonly rows: number
  /** Files that others had removed by the time of the commit: they are left as those made them. */
  readonly outdated: number
}

/** Files that hold the very rows of others. */
interface Rewrite {
  readonly from: readonly DataFile[]
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
 * Makes large files of small ones. No row changes: each snapshot is a `replace` with as many rows as before, whose files
 * are parted and sorted as the table wants it now. Goes on beside live appends: what somebody else has removed meanwhile
 * is left to him, the rest is committed; an interrupted run leaves the table whole and some objects that nothing names.
 *
 * Throws `lake.onHold`, `lake.rowDeletes` in a table with row deletes of another engine, and what `commit` throws.
 */
export async function compact(
  lake: Lake,
  name: TableName,
  options: CompactOptions = {},
): Promise<CompactionReport> {
  const { table } = await requireTable(lake, name)
  refuseOnHold(table)
  const groups = planCompaction(table.metadata, await table.liveFiles(), options)
  const done: Rewrite[] = []
  let [commits, outdated] = [0, 0]
  for (let at = 0; at < groups.length; at += REWRITES_PER_COMMIT) {
    const rewrites: Rewrite[] = []
    for (const from of groups.slice(at, at + REWRITES_PER_COMMIT)) {
      rewrites.push(await rewrite(lake, table, from))
    }
    const committed = await commitRewrites(lake, name, rewrites, options.commit)
    if (committed.length > 0) commits++
    done.push(...committed)
    outdated += filesIn(rewrites, 'from') - filesIn(committed, 'from')
  }
  return {
    commits,
    filesBefore: filesIn(done, 'from'),
    filesAfter: filesIn(done, 'to'),
    bytesBefore: sum(done, 'from', 'sizeBytes'),
    bytesAfter: sum(done, 'to', 'sizeBytes'),
    rows: sum(done, 'to', 'recordCount'),
    outdated,
  }
}

async function rewrite(lake: Lake, table: Table, from: readonly DataFile[]): Promise<Rewrite> {
  const { schema } = table
  const batches = await inParallel(from, READS_AT_ONCE, (file) =>
    readDataFile(lake.objects, file, schema),
  )
  const writtenAtMs = lake.clock.nowMs()
  return { from, to: await writeDataFiles(lake, table, concatBatches(batches)), table, writtenAtMs }
}

/** Commits those of the rewrites whose files are all still there, and says which these were. */
async function commitRewrites(
  lake: Lake,
  name: TableName,
  rewrites: readonly Rewrite[],
  options: CommitOptions | undefined,
): Promise<readonly Rewrite[]> {
  let last: readonly Rewrite[] = []
  const { committed } = await commit(
    lake,
    name,
    async (table): Promise<Change | undefined> => {
      refuseOnHold(table)
      const live = new Set((await table.liveFiles()).map(({ path }) => path))
      const valid = rewrites.filter(
        (one) => one.from.every(({ path }) => live.has(path)) && hasAllColumns(table, one.table),
      )
      // Nothing is left: all of it is outdated, or the attempt whose answer was lost has done it.
      if (valid.length === 0) return undefined
      for (const one of valid) refuseStale(lake, one)
      last = valid
      return {
        files: valid.flatMap(({ to }) => to),
        removed: valid.flatMap(({ from }) => from.map(({ path }) => path)),
        isRewrite: true,
        summary: {},
        setProperties: () => ({}),
      }
    },
    options,
  )
  return committed ? last : []
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

function filesIn(rewrites: readonly Rewrite[], side: 'from' | 'to'): number {
  return rewrites.reduce((total, one) => total + one[side].length, 0)
}

function sum(
  rewrites: readonly Rewrite[],
  side: 'from' | 'to',
  of: 'sizeBytes' | 'recordCount',
): number {
  return rewrites.flatMap((one) => one[side]).reduce((total, file) => total + file[of], 0)
}
