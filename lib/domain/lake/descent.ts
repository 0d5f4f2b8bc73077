import { hasCode } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import { parseTableMetadata, type SnapshotJson, type TableMetadata } from './table-metadata.ts'

/**
 * Whether a table's current snapshot came from another one. `unknown`: snapshots in between have expired, and the
 * metadata files that knew them are gone.
 */
export type Descent = 'descends' | 'does not' | 'unknown'

/**
 * Follows the parents from the current snapshot back. Where one has expired, the table's earlier metadata files still
 * know it: they are read, newest first, as far as it takes. What is told is proven: that it descends by the chain
 * itself; that it does not by a chain that began, or passed the place, without it. For a chain's sequence numbers only
 * grow, so an ancestor that is older than the one looked for has left it out. Who made that one may say its number, and
 * then nobody else need know it.
 */
export async function descentFrom(
  objects: Pick<ObjectStore, 'get'>,
  metadata: TableMetadata,
  wanted: bigint,
  sequenceNumber?: number,
): Promise<Descent> {
  const known = new Map<bigint, SnapshotJson>()
  const learn = ({ snapshots }: TableMetadata) => {
    for (const snapshot of snapshots) known.set(snapshot['snapshot-id'], snapshot)
  }
  learn(metadata)
  const earlier = metadata['metadata-log'].map((entry) => entry['metadata-file'])
  // The table without a snapshot has lost whatever was there.
  if (metadata['current-snapshot-id'] === undefined) return 'does not'
  let at = metadata['current-snapshot-id']
  for (;;) {
    if (at === wanted) return 'descends'
    const snapshot = known.get(at)
    if (snapshot === undefined) {
      const file = earlier.pop()
      if (file === undefined) return 'unknown'
      const read = await metadataIfThere(objects, file)
      if (read !== undefined) learn(read)
      continue
    }
    const sought = known.get(wanted)?.['sequence-number'] ?? sequenceNumber
    if (sought !== undefined && snapshot['sequence-number'] <= sought) return 'does not'
    const parent = snapshot['parent-snapshot-id']
    if (typeof parent !== 'bigint') return 'does not'
    at = parent
  }
}

async function metadataIfThere(
  objects: Pick<ObjectStore, 'get'>,
  file: string,
): Promise<TableMetadata | undefined> {
  try {
    return parseTableMetadata(await objects.get(file))
  } catch (error) {
    if (hasCode(error, 'objects.notFound')) return undefined
    throw error
  }
}
