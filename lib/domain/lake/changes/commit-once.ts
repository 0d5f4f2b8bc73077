import { PlatformError } from '../../kernel/errors.ts'
import type { TableName } from '../catalog.ts'
import { type CommitOptions, type CommitResult, commit, type Decide } from '../commit.ts'
import type { Lake, Table } from '../table.ts'

/**
 * As `commit`, for a change that the table does not tell whether it has it: what an earlier attempt of this very call has
 * put in, though its answer was lost, is found by its snapshot, and `decide` is not asked again. Throws
 * `lake.outcomeUnknown` if that cannot be told any more.
 */
export async function commitOnce(
  lake: Lake,
  name: TableName,
  decide: Decide,
  options: CommitOptions = {},
): Promise<CommitResult> {
  const tried: bigint[] = []
  let applied: bigint | undefined
  const result = await commit(
    lake,
    name,
    async (table) => {
      applied = await appliedOf(table, tried)
      if (applied !== undefined) return undefined
      const change = await decide(table)
      return (
        change && {
          ...change,
          setProperties: (snapshotId) => {
            tried.push(snapshotId)
            return change.setProperties(snapshotId)
          },
        }
      )
    },
    options,
  )
  return applied === undefined ? result : { ...result, committed: true, snapshotId: applied }
}

async function appliedOf(table: Table, tried: readonly bigint[]): Promise<bigint | undefined> {
  for (const id of tried.toReversed()) {
    if (table.isAncestor(id)) return id
    const descent = await table.descentFrom(id)
    if (descent === 'descends') return id
    if (descent === 'does not') continue
    const { database, name } = table.name
    throw new PlatformError(
      'lake.outcomeUnknown',
      `whether ${database}.${name} has snapshot ${id} cannot be told any more: snapshots have expired since; look at the table before you repeat`,
      { context: { snapshot: String(id) } },
    )
  }
  return undefined
}
