import { PlatformError } from '../../kernel/errors.ts'
import type { Snapshot, Table } from '../table.ts'

/** Throws `lake.snapshotGone` if the table does not retain the snapshot. */
export function requireSnapshot(table: Table, snapshotId: bigint): Snapshot {
  const found = table.snapshots.find((one) => one.snapshotId === snapshotId)
  if (found) return found
  const { database, name } = table.name
  throw new PlatformError(
    'lake.snapshotGone',
    `${database}.${name} has no snapshot ${snapshotId}: it may have expired`,
  )
}

/**
 * The snapshot that was the table's at a time, as its log tells, also where the table was rolled back since. Throws
 * `lake.snapshotGone` if none is retained that is known to have been.
 */
export function snapshotAsOf(table: Table, atMs: number): Snapshot {
  const { 'snapshot-log': log } = table.metadata
  const known =
    log.length > 0
      ? log.map((one) => ({ atMs: one['timestamp-ms'], id: one['snapshot-id'] }))
      : table.snapshots
          .filter(({ snapshotId }) => table.isAncestor(snapshotId))
          .map(({ timestampMs, snapshotId }) => ({ atMs: timestampMs, id: snapshotId }))
  const entry = known.findLast((one) => one.atMs <= atMs)
  if (entry !== undefined) return requireSnapshot(table, entry.id)
  const { database, name } = table.name
  const oldest = known[0]
  throw new PlatformError(
    'lake.snapshotGone',
    oldest === undefined
      ? `${database}.${name} has no snapshot yet`
      : `what ${database}.${name} was at ${iso(atMs)} is not retained: it is known from ${iso(oldest.atMs)} on`,
  )
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
