import type { TableName } from '../catalog.ts'
import type { CommitOptions, CommitResult } from '../commit.ts'
import { refuseOnHold } from '../fences.ts'
import type { Predicate } from '../predicate/predicate.ts'
import { OPERATION } from '../snapshot-summary.ts'
import { type Lake, requireTable } from '../table.ts'
import { MAIN } from '../table-metadata.ts'
import { tableOnBranch } from '../table-on-branch.ts'
import { planScan } from '../table-scan.ts'
import { commitOnce } from './commit-once.ts'
import { type RemovalOptions, type RemovalReport, RowRemoval } from './row-removal.ts'

export interface DeleteRowsOptions extends Omit<RemovalOptions, 'isDryRun'> {
  readonly commit?: CommitOptions
}

export interface DeleteRowsResult extends RemovalReport {
  /** Absent if no row was there to delete. */
  readonly snapshotId?: bigint
}

/**
 * Deletes the rows that match, also those that come in while it is at it: it is as if all of it had happened at the moment
 * of its commit. Files whose rows all go are not read; of others the cheaper is done, to write them anew or to delete
 * single rows of them. The rows stay in the objects of earlier snapshots until these have expired and orphans are removed,
 * and of files that are not written anew until compaction.
 *
 * Throws `lake.badPredicate`, `lake.onHold`, `lake.outcomeUnknown`, and what `commit` throws.
 */
export async function deleteRows(
  lake: Lake,
  name: TableName,
  where: Predicate,
  options: DeleteRowsOptions = {},
): Promise<DeleteRowsResult> {
  const removal = new RowRemoval(lake, options)
  let report: RemovalReport = NOTHING
  const result: CommitResult = await commitOnce(
    lake,
    name,
    async (table) => {
      refuseOnHold(table)
      const plan = await planScan(lake.objects, table, where)
      const { report: found, ...removals } = await removal.of(table, plan, where)
      report = found
      if (found.rows === 0 && removals.removed.length === 0) return undefined
      return { ...removals, summary: { [OPERATION]: 'delete' }, setProperties: () => ({}) }
    },
    options.commit,
  )
  return {
    ...report,
    ...(result.snapshotId !== undefined && { snapshotId: result.snapshotId }),
  }
}

/** What {@link deleteRows} would do by now. Writes nothing. */
export async function previewDelete(
  lake: Lake,
  name: TableName,
  where: Predicate,
  options: DeleteRowsOptions = {},
): Promise<RemovalReport> {
  const { table: whole } = await requireTable(lake, name)
  const table = tableOnBranch(lake, whole, options.commit?.branch ?? MAIN)
  const plan = await planScan(lake.objects, table, where)
  const removal = new RowRemoval(lake, { ...options, isDryRun: true })
  return (await removal.of(table, plan, where)).report
}

const NOTHING: RemovalReport = {
  rows: 0,
  filesDropped: 0,
  filesRewritten: 0,
  filesWithDeletes: 0,
  filesRead: 0,
}
