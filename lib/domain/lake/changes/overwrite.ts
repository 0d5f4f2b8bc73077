import type { ColumnBatch } from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import { ApplicableDeletes, partitionKey } from '../applicable-deletes.ts'
import type { TableName } from '../catalog.ts'
import type { CommitOptions, CommitResult } from '../commit.ts'
import type { DataFile } from '../data-file.ts'
import { refuseOnHold } from '../fences.ts'
import { ALWAYS, type Predicate } from '../predicate/predicate.ts'
import { rowsThatMatch } from '../predicate/rows-that-match.ts'
import type { LiveDataFile } from '../snapshot-contents.ts'
import { OPERATION } from '../snapshot-summary.ts'
import { type Lake, requireTable, type Table } from '../table.ts'
import { MAIN } from '../table-metadata.ts'
import { tableOnBranch } from '../table-on-branch.ts'
import { type PlannedFile, planScan, type ScanPlan } from '../table-scan.ts'
import { writeDataFiles } from '../write-data-files.ts'
import { type ChangesSince, changesSince, conflict } from './changes-since.ts'
import { commitOnce } from './commit-once.ts'
import { mayMatch, refuseAppends } from './row-delta.ts'
import { type RemovalOptions, type RemovalReport, RowRemoval } from './row-removal.ts'

/**
 * `serializable`: nobody may have appended or deleted rows of what is replaced since the rows were thought up.
 * `snapshot`: what was appended since stays beside them.
 */
export type Isolation = 'serializable' | 'snapshot'

export interface OverwriteOptions extends Omit<RemovalOptions, 'isDryRun'> {
  /** The snapshot that the rows were made from. @default the one that the table is at when this is called */
  readonly basedOn?: bigint
  /** @default serializable */
  readonly isolation?: Isolation
  readonly commit?: CommitOptions
}

export interface OverwriteResult extends RemovalReport {
  readonly snapshotId: bigint
  readonly filesAdded: number
  readonly rowsAdded: number
}

/**
 * What is replaced: the rows that match, in whose place only rows may come that match too; or all files of the partitions
 * that the new rows belong to.
 */
export type Replaced = { readonly where: Predicate } | 'partitions of the rows'

/**
 * Puts rows, of the table's schema, in the place of others, in one snapshot. Throws `lake.conflict` if somebody has changed
 * what is replaced since the base, `lake.rowsOutside` for rows that do not match themselves, `lake.badPredicate`,
 * `lake.onHold`, `lake.outcomeUnknown`, `lake.partitionMismatch` if partitions are replaced in a table that has files of an
 * earlier partitioning, and what `commit` throws. Nothing is committed then.
 */
export async function overwrite(
  lake: Lake,
  name: TableName,
  replaced: Replaced,
  rows: ColumnBatch,
  options: OverwriteOptions = {},
): Promise<OverwriteResult> {
  const { isolation = 'serializable', commit: commitOptions } = options
  const { table: whole } = await requireTable(lake, name)
  const first = tableOnBranch(lake, whole, commitOptions?.branch ?? MAIN)
  const basedOn = options.basedOn ?? first.currentSnapshot?.snapshotId
  if (replaced !== 'partitions of the rows') refuseOutside(first, replaced.where, rows)
  const removal = new RowRemoval(lake, options)
  const writing = new WrittenRows(lake, rows)
  let last: { readonly report: RemovalReport; readonly added: readonly DataFile[] } | undefined
  const result: CommitResult = await commitOnce(
    lake,
    name,
    async (table) => {
      refuseOnHold(table)
      const added = await writing.of(table)
      const choice = await chosen(lake, table, replaced, added)
      const since = await changedSince(lake, table, basedOn)
      if (isolation === 'serializable') requireSame(table, since, choice)
      const plan = isolation === 'snapshot' ? await asOfBase(table, since, choice) : choice.plan
      const { report, ...removals } = await removal.of(table, plan, choice.where)
      last = { report, added }
      return {
        ...removals,
        files: [...added, ...removals.files],
        summary: { [OPERATION]: 'overwrite' },
        setProperties: () => ({}),
      }
    },
    commitOptions,
  )
  const { report, added } = last!
  return {
    ...report,
    snapshotId: result.snapshotId!,
    filesAdded: added.length,
    rowsAdded: rows.rows,
  }
}

/** Files that are about what is replaced, and whether another one is. */
interface Choice {
  readonly plan: ScanPlan
  readonly where: Predicate
  isAbout(file: LiveDataFile): boolean
}

async function chosen(
  lake: Lake,
  table: Table,
  replaced: Replaced,
  added: readonly DataFile[],
): Promise<Choice> {
  if (replaced !== 'partitions of the rows') {
    const { where } = replaced
    const plan = await planScan(lake.objects, table, where)
    return { plan, where, isAbout: (file) => mayMatch(table, file, where) }
  }
  const specId = table.metadata['default-spec-id']
  const keys = new Set(added.map(({ partition }) => partitionKey(specId, partition)))
  const isAbout = ({ file, specId: own }: LiveDataFile) =>
    keys.has(partitionKey(own, file.partition))
  const { files, reader } = await planScan(lake.objects, table)
  const old = files.find(({ data }) => data.specId !== specId)
  if (old) {
    throw new PlatformError(
      'lake.partitionMismatch',
      `${old.data.file.path} is parted as ${table.name.database}.${table.name.name} was before: compact it first, or say by a condition what is replaced`,
      { context: { path: old.data.file.path } },
    )
  }
  return {
    plan: { files: files.filter(({ data }) => isAbout(data)).map(allOf), reader },
    where: ALWAYS,
    isAbout,
  }
}

function allOf({ data }: PlannedFile): PlannedFile {
  return { data, allMatch: true }
}

async function changedSince(
  lake: Lake,
  table: Table,
  basedOn: bigint | undefined,
): Promise<ChangesSince> {
  if (table.currentSnapshot?.snapshotId === basedOn) {
    return { appended: [], removed: [], deletes: [] }
  }
  return await changesSince(lake.objects, table, basedOn)
}

function requireSame(
  table: Table,
  { appended, removed, deletes }: ChangesSince,
  { isAbout, plan }: Choice,
): void {
  refuseAppends(table, { appended: appended.filter(isAbout) })
  const gone = removed.find(isAbout)
  const index = new ApplicableDeletes(table.metadata, deletes)
  const thinned = plan.files.find(({ data }) => index.to(data).length > 0)
  const path = gone?.file.path ?? thinned?.data.file.path
  if (path !== undefined) throw conflict(table, `rows of ${path} were deleted`, { path })
}

/** The plan without what was appended since, which must be told apart still. */
async function asOfBase(
  table: Table,
  { appended }: ChangesSince,
  { plan, isAbout }: Choice,
): Promise<ScanPlan> {
  const late = new Set(appended.filter(isAbout).map(({ file }) => file.path))
  const live = new Set((await table.liveFiles()).map(({ path }) => path))
  const moved = [...late].find((path) => !live.has(path))
  if (moved !== undefined) {
    throw conflict(table, `${moved} was appended, and put together with other rows since`, {
      path: moved,
    })
  }
  return { ...plan, files: plan.files.filter(({ data }) => !late.has(data.file.path)) }
}

function refuseOutside({ schema }: Table, where: Predicate, rows: ColumnBatch): void {
  const matches = rowsThatMatch(where, schema, rows)
  const outside = matches.indexOf(0)
  if (outside < 0) return
  throw new PlatformError(
    'lake.rowsOutside',
    `row ${outside} of the new ones does not match the condition that says what they replace`,
    { context: { row: outside } },
  )
}

/** Orphan removal spares objects for a day. */
const FRESH_MS = 12 * 3_600_000

/** Rows as files, written once for a table that stays as it is. */
class WrittenRows {
  readonly #lake: Lake
  readonly #rows: ColumnBatch
  #written:
    | { readonly key: string; readonly atMs: number; readonly files: readonly DataFile[] }
    | undefined

  constructor(lake: Lake, rows: ColumnBatch) {
    this.#lake = lake
    this.#rows = rows
  }

  async of(table: Table): Promise<readonly DataFile[]> {
    if (this.#rows.rows === 0) return []
    const { metadata } = table
    const key = JSON.stringify([
      metadata['current-schema-id'],
      metadata['default-spec-id'],
      metadata['default-sort-order-id'],
    ])
    const atMs = this.#lake.clock.nowMs()
    const isGood = this.#written?.key === key && atMs - this.#written.atMs < FRESH_MS
    if (!isGood) {
      this.#written = { key, atMs, files: await writeDataFiles(this.#lake, table, this.#rows) }
    }
    return this.#written!.files
  }
}
