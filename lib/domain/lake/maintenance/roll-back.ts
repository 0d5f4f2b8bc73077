import { PlatformError } from '../../kernel/errors.ts'
import type { TableName } from '../catalog.ts'
import { HOLD_PROPERTY } from '../fences.ts'
import { type SnapshotState, stateAt } from '../snapshot-state.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from '../swap-metadata.ts'
import type { Lake, Table } from '../table.ts'
import { nextMetadata, nextTimestampMs, type Update } from '../transaction.ts'

export interface RollBackOptions {
  /** Why, for whoever finds the table on hold. */
  readonly reason: string
  readonly swap?: SwapOptions
}

/**
 * Lets the table stand at an earlier snapshot, with the fences that it had then and what else of its properties stands in
 * summaries (a watermark), in one swap, and on hold: with the fences back, everything after them would come straight in again. What a live append put in meanwhile goes too. Nothing
 * is deleted, so another snapshot may be chosen until they expire.
 *
 * Throws `lake.snapshotGone` if the table does not retain the snapshot, `lake.fencesUnproven` if nobody knows its fences.
 */
export async function rollBack(
  lake: Lake,
  name: TableName,
  snapshotId: bigint,
  { reason, swap }: RollBackOptions,
): Promise<SwapResult> {
  return await swapMetadata(
    lake,
    name,
    async (table) => {
      const { properties, removed } = requireState(table, snapshotId)
      const wanted = { ...properties, [HOLD_PROPERTY]: reason }
      if (standsAt(table, snapshotId, wanted)) return undefined
      return next(lake, table, [
        { kind: 'setCurrentSnapshot', snapshotId },
        { kind: 'removeProperties', keys: removed },
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

function requireState(table: Table, snapshotId: bigint): SnapshotState {
  const where = `${table.name.database}.${table.name.name}`
  if (!table.snapshots.some((one) => one.snapshotId === snapshotId)) {
    throw new PlatformError(
      'lake.snapshotGone',
      `${where} has no snapshot ${snapshotId}: it may have expired`,
    )
  }
  const state = stateAt(table, snapshotId)
  if (state) return state
  throw new PlatformError(
    'lake.fencesUnproven',
    `nobody knows the fences of snapshot ${snapshotId} of ${where}: choose one that was committed by Weir, or a younger one`,
  )
}

function standsAt(table: Table, snapshotId: bigint, wanted: Readonly<Record<string, string>>) {
  const isThere = table.currentSnapshot?.snapshotId === snapshotId
  return isThere && Object.entries(wanted).every(([key, value]) => table.properties[key] === value)
}
