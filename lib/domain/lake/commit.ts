import type { TableName } from './catalog.ts'
import { evolveMetadata } from './evolve-schema.ts'
import { type Change, type StagedSnapshot, stageSnapshot } from './stage-snapshot.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from './swap-metadata.ts'
import type { Lake, Table } from './table.ts'
import { MAIN } from './table-metadata.ts'
import { tableOnBranch } from './table-on-branch.ts'

export type { Change } from './stage-snapshot.ts'

/** Says what is still to be done for this state of the table; undefined if nothing is. */
export type Decide = (table: Table) => Promise<Change | undefined> | Change | undefined

export interface CommitOptions extends SwapOptions {
  /**
   * The branch that the snapshot goes on. `decide` sees the table as it stands there, and may set no properties, which are
   * the whole table's. @default the main one
   */
  readonly branch?: string
}

export interface CommitResult extends SwapResult {
  /** Whether this call put a snapshot into the table, even if the answer was lost; false if nothing was left to do. */
  readonly committed: boolean
  /** The snapshot that this call put in. */
  readonly snapshotId?: bigint
}

/**
 * Changes the table as `decide` says, in one atomic swap of the table's metadata with its properties. `decide` is
 * asked again after every conflict and every lost answer, and subtracts what is there by then; see `swapMetadata`.
 * Snapshots that the table's properties no longer keep leave the metadata in the same swap, and small manifests are
 * merged; their objects stay.
 *
 * Throws what `swapMetadata` throws, `lake.inputGone` if files that shall go or must be there are not, and
 * `lake.rowDeletes` if files are replaced whose row deletes `decide` has not taken into account.
 */
export async function commit(
  lake: Lake,
  name: TableName,
  decide: Decide,
  { branch = MAIN, ...options }: CommitOptions = {},
): Promise<CommitResult> {
  const tried = new Set<bigint>()
  let staged: StagedSnapshot | undefined
  const { table, attempts } = await swapMetadata(
    lake,
    name,
    async (real) => {
      const before = tableOnBranch(lake, real, branch)
      const change = await decide(before)
      if (!change) return undefined
      const base = change.schema ? evolveMetadata(before.metadata, change.schema) : before.metadata
      const main = real.metadata['current-snapshot-id']
      const on = branch === MAIN ? undefined : { branch, main }
      staged = await stageSnapshot(lake, before, base, change, staged, on)
      tried.add(staged.snapshotId)
      return staged.metadata
    },
    options,
  )
  const after = tableOnBranch(lake, table, branch)
  const snapshotId = [...tried].findLast((id) => after.isAncestor(id))
  return {
    table,
    attempts,
    ...(snapshotId === undefined ? { committed: false } : { committed: true, snapshotId }),
  }
}
