import type { TableName } from '../catalog.ts'
import {
  expiredSnapshots,
  type Retention,
  retentionOf,
  withoutExpiredRefs,
} from '../expire-snapshots.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from '../swap-metadata.ts'
import type { Lake } from '../table.ts'
import { nextMetadata, nextTimestampMs } from '../transaction.ts'

export interface ExpireOptions extends Partial<Retention> {
  readonly swap?: SwapOptions
}

export interface ExpireResult extends SwapResult {
  /** Snapshots that the table has no longer, by this call. */
  readonly expired: readonly bigint[]
}

/** Whoever began to read a snapshot while it was current may still be at it. */
const READER_GRACE_MS = 3_600_000

/**
 * Lets old snapshots go: all but the newest `atLeast`, those that were current `currentWithinMs` ago or later (at least an
 * hour: readers may be at them), and what branches, tags and fences need; branches and tags whose time is over go too. Commits do so by themselves, by the table's
 * properties; this is for a table that nobody commits to, or to keep less than they say. Their objects stay: orphan
 * removal deletes them after a grace of its own.
 */
export async function expireSnapshots(
  lake: Lake,
  name: TableName,
  { atLeast, currentWithinMs, swap }: ExpireOptions = {},
): Promise<ExpireResult> {
  let expired: readonly bigint[] = []
  const result = await swapMetadata(
    lake,
    name,
    async ({ metadata, metadataLocation }) => {
      const own = retentionOf(metadata.properties)
      const retention = {
        atLeast: Math.max(1, atLeast ?? own.atLeast),
        currentWithinMs: Math.max(READER_GRACE_MS, currentWithinMs ?? own.currentWithinMs),
      }
      const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
      const current = withoutExpiredRefs(metadata, atMs)
      const gone = [...expiredSnapshots(current, atMs, retention)]
      if (gone.length === 0 && current === metadata) return undefined
      expired = gone
      return nextMetadata(
        metadata,
        metadataLocation,
        [{ kind: 'expireSnapshots', retention }],
        atMs,
      )
    },
    swap,
  )
  const left = new Set(result.table.snapshots.map(({ snapshotId }) => snapshotId))
  return { ...result, expired: expired.filter((id) => !left.has(id)) }
}
