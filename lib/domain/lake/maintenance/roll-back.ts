import { PlatformError } from '../../kernel/errors.ts'
import type { TableName } from '../catalog.ts'
import { FENCES_PROPERTY, fencesOf, fencesProperty, HOLD_PROPERTY } from '../fences.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from '../swap-metadata.ts'
import type { Lake, Snapshot, Table } from '../table.ts'
import { nextMetadata, nextTimestampMs, type Update } from '../transaction.ts'

export interface RollBackOptions {
  /** Why, for whoever finds the table on hold. */
  readonly reason: string
  /** Other properties that have to go back with the snapshot, such as a watermark, from what its summary says. */
  readonly properties?: (snapshot: Snapshot) => Readonly<Record<string, string>>
  readonly swap?: SwapOptions
}

/**
 * Lets the table stand at an earlier snapshot, with the fences that it had then, in one swap, and on hold: with the
 * fences back, everything after them would come straight in again. What a live append put in meanwhile goes too. Nothing
 * is deleted, so another snapshot may be chosen until they expire.
 *
 * Throws `lake.snapshotGone` if the table does not retain the snapshot, `lake.fencesUnproven` if nobody knows its fences.
 */
export async function rollBack(
  lake: Lake,
  name: TableName,
  snapshotId: bigint,
  { reason, properties, swap }: RollBackOptions,
): Promise<SwapResult> {
  return await swapMetadata(
    lake,
    name,
    async (table) => {
      const snapshot = requireSnapshot(table, snapshotId)
      const wanted = {
        ...fencesThen(table, snapshot),
        ...properties?.(snapshot),
        [HOLD_PROPERTY]: reason,
      }
      if (standsAt(table, snapshotId, wanted)) return undefined
      return next(lake, table, [
        { kind: 'setCurrentSnapshot', snapshotId },
        { kind: 'setProperties', properties: wanted },
      ])
    },
    swap,
  )
}

/** Takes the table off hold. */
export async function releaseHold(
  lake: Lake,
  name: TableName,
  swap: SwapOptions = {},
): Promise<SwapResult> {
  return await swapMetadata(
    lake,
    name,
    async (table) => {
      if (table.properties[HOLD_PROPERTY] === undefined) return undefined
      return next(lake, table, [{ kind: 'removeProperties', keys: [HOLD_PROPERTY] }])
    },
    swap,
  )
}

function next(lake: Lake, { metadata, metadataLocation }: Table, updates: readonly Update[]) {
  const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
  return nextMetadata(metadata, metadataLocation, updates, atMs)
}

function requireSnapshot(table: Table, snapshotId: bigint): Snapshot {
  const snapshot = table.snapshots.find((one) => one.snapshotId === snapshotId)
  if (snapshot) return snapshot
  throw new PlatformError(
    'lake.snapshotGone',
    `${table.name.database}.${table.name.name} has no snapshot ${snapshotId}: it may have expired`,
  )
}

function fencesThen(table: Table, { snapshotId }: Snapshot): Readonly<Record<string, string>> {
  if (table.properties[FENCES_PROPERTY] === undefined) return {}
  const fences = fencesOf(table, snapshotId)
  if (fences) return fencesProperty(snapshotId, fences)
  throw new PlatformError(
    'lake.fencesUnproven',
    `nobody knows the fences of snapshot ${snapshotId} of ${table.name.database}.${table.name.name}: choose one that was committed by Weir, or a younger one`,
  )
}

function standsAt(table: Table, snapshotId: bigint, wanted: Readonly<Record<string, string>>) {
  const isThere = table.currentSnapshot?.snapshotId === snapshotId
  return isThere && Object.entries(wanted).every(([key, value]) => table.properties[key] === value)
}
