import type { TableName } from './catalog.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from './swap-metadata.ts'
import type { Lake } from './table.ts'
import type { TableMetadata } from './table-metadata.ts'
import { nextMetadata, nextTimestampMs } from './transaction.ts'

/** What shall follow from the metadata; the very same object if it is that already. Asked anew after a conflict. */
export type Evolve = (metadata: TableMetadata) => TableMetadata

/**
 * Changes what a table is without a snapshot: its columns, partitioning, order or properties. Rivals' changes of
 * meanwhile stay, since `evolve` starts from them. Throws what `evolve` and `swapMetadata` throw.
 */
export async function evolveTable(
  lake: Lake,
  name: TableName,
  evolve: Evolve,
  options: SwapOptions = {},
): Promise<SwapResult> {
  return await swapMetadata(
    lake,
    name,
    async ({ metadata, metadataLocation }) => {
      const evolved = evolve(metadata)
      if (evolved === metadata) return undefined
      const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
      return nextMetadata(evolved, metadataLocation, [], atMs)
    },
    options,
  )
}
