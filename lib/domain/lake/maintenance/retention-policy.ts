import type { TableName } from '../catalog.ts'
import { MAX_AGE_MS, MIN_SNAPSHOTS, type Retention } from '../expire-snapshots.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from '../swap-metadata.ts'
import type { Lake } from '../table.ts'
import { nextMetadata, nextTimestampMs } from '../transaction.ts'

/**
 * Sets which snapshots the table keeps, by Iceberg's own properties: every commit lets the others go from then on. What is
 * not said stays as the table has it; nothing is swapped if it has all of it.
 */
export async function setRetention(
  lake: Lake,
  name: TableName,
  { atLeast, currentWithinMs }: Partial<Retention>,
  swap: SwapOptions = {},
): Promise<SwapResult> {
  const wanted: Readonly<Record<string, string>> = {
    ...(atLeast !== undefined && { [MIN_SNAPSHOTS]: String(atLeast) }),
    ...(currentWithinMs !== undefined && { [MAX_AGE_MS]: String(currentWithinMs) }),
  }
  return await swapMetadata(
    lake,
    name,
    async ({ metadata, metadataLocation, properties }) => {
      if (Object.entries(wanted).every(([key, value]) => properties[key] === value))
        return undefined
      const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
      const update = { kind: 'setProperties', properties: wanted } as const
      return nextMetadata(metadata, metadataLocation, [update], atMs)
    },
    swap,
  )
}
