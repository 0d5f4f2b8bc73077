import { PlatformError } from '../kernel/errors.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import {
  decodeEntries,
  decodeManifestList,
  decodeRecords,
  isLive,
  type ManifestFile,
} from './manifest.ts'
import { type EntryRecord, STATUS } from './manifest-entry.ts'
import type { SnapshotJson } from './table-metadata.ts'

const READS_AT_ONCE = 16

/** The manifests of a snapshot; none without one. Throws `lake.corruptFile`, naming a list that cannot be read. */
export async function manifestsOf(
  objects: Pick<ObjectStore, 'get'>,
  snapshot: SnapshotJson | undefined,
): Promise<readonly ManifestFile[]> {
  if (!snapshot) return []
  const uri = snapshot['manifest-list']
  return await readable(objects, uri, 'manifest list', decodeManifestList)
}

/** What a snapshot still has of a manifest. Throws `lake.corruptFile`, naming one that cannot be read. */
export async function entriesOf(
  objects: Pick<ObjectStore, 'get'>,
  manifest: ManifestFile,
): Promise<readonly EntryRecord[]> {
  return await readable(objects, manifest.manifestPath, 'manifest', (bytes) =>
    decodeEntries(bytes, manifest),
  )
}

/** What the snapshot that a manifest was written for has put in or taken out by it. */
export async function changesIn(
  objects: Pick<ObjectStore, 'get'>,
  manifest: ManifestFile,
): Promise<{ readonly added: readonly EntryRecord[]; readonly deleted: readonly EntryRecord[] }> {
  const records = await readable(objects, manifest.manifestPath, 'manifest', decodeRecords)
  const own = records.filter(
    ({ snapshotId }) => (snapshotId ?? manifest.addedSnapshotId) === manifest.addedSnapshotId,
  )
  return {
    added: own.filter(({ status }) => status === STATUS.added),
    deleted: own.filter(({ status }) => status === STATUS.deleted),
  }
}

/** As {@link entriesOf}, of each that has any, in their order. */
export async function entriesOfAll(
  objects: Pick<ObjectStore, 'get'>,
  manifests: readonly ManifestFile[],
): Promise<readonly (readonly [ManifestFile, readonly EntryRecord[]])[]> {
  return await inParallel(manifests.filter(isLive), READS_AT_ONCE, async (manifest) => [
    manifest,
    await entriesOf(objects, manifest),
  ])
}

/** What an object says, or one line that names it: a file that is cut off or of another kind has no good error of its own. */
export async function readable<What>(
  objects: Pick<ObjectStore, 'get'>,
  uri: string,
  kind: string,
  decode: (bytes: Uint8Array) => What,
): Promise<What> {
  const bytes = await objects.get(uri)
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'lake.unsupportedTable') throw error
    const why = error instanceof Error ? error.message : String(error)
    throw new PlatformError('lake.corruptFile', `${kind} ${uri} cannot be read: ${why}`, {
      cause: error,
      context: { path: uri },
    })
  }
}
