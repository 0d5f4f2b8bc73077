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
  const tried: Attempt[] = []
  let applied: bigint | undefined
  const result = await commit(
    lake,
    name,
    async (table) => {
      applied = await appliedOf(table, tried)
      if (applied !== undefined) return undefined
      const change = await decide(table)
      const sequenceNumber = table.metadata['last-sequence-number'] + 1
      return (
        change && {
          ...change,
          setProperties: (snapshotId) => {
            tried.push({ snapshotId, sequenceNumber })
            return change.setProperties(snapshotId)
          },
        }
      )
    },
    options,
  )
  return applied === undefined ? result : { ...result, committed: true, snapshotId: applied }
}

/** A snapshot that may be in the table, and the number that it has then. */
interface Attempt {
  readonly snapshotId: bigint
  readonly sequenceNumber: number
}

async function appliedOf(table: Table, tried: readonly Attempt[]): Promise<bigint | undefined> {
  for (const { snapshotId: id, sequenceNumber } of tried.toReversed()) {
    if (table.isAncestor(id)) return id
    const descent = await table.descentFrom(id, sequenceNumber)
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
