import { PlatformError } from '../../kernel/errors.ts'
import type { ObjectStore } from '../../kernel/object-store.ts'
import { changesIn, manifestsOf } from '../read-manifests.ts'
import {
  type LiveDataFile,
  type LiveDeleteFile,
  liveData,
  liveDeletes,
  specOfManifest,
} from '../snapshot-contents.ts'
import type { Table } from '../table.ts'
import { currentSnapshotOf, type SnapshotJson, snapshotOf } from '../table-metadata.ts'

/** What others have changed since a snapshot. What merely moves rows to other files is no change. */
export interface ChangesSince {
  readonly appended: readonly LiveDataFile[]
  readonly removed: readonly LiveDataFile[]
  readonly deletes: readonly LiveDeleteFile[]
}

/**
 * What the snapshots after `base` have put in and taken out, up to the table's current one; after none of them without a
 * base, which is a table that was empty. Throws `lake.conflict` if that cannot be told: the table does not come from the
 * base any more, or snapshots in between have expired.
 */
export async function changesSince(
  objects: Pick<ObjectStore, 'get'>,
  table: Table,
  base: bigint | undefined,
): Promise<ChangesSince> {
  const appended: LiveDataFile[] = []
  const removed: LiveDataFile[] = []
  const deletes: LiveDeleteFile[] = []
  for (const snapshot of snapshotsSince(table, base)) {
    if (snapshot.summary.operation === 'replace') continue
    const id = snapshot['snapshot-id']
    for (const manifest of await manifestsOf(objects, snapshot)) {
      if (manifest.addedSnapshotId !== id) continue
      const spec = specOfManifest(table.metadata, manifest)
      const changes = await changesIn(objects, manifest)
      if (manifest.content === 1) {
        deletes.push(...changes.added.map((one) => liveDeletes(one, manifest, spec)))
        continue
      }
      appended.push(...changes.added.map((one) => liveData(one, manifest, spec)))
      removed.push(...changes.deleted.map((one) => liveData(one, manifest, spec)))
    }
  }
  return { appended, removed, deletes }
}

function snapshotsSince({ metadata, name }: Table, base: bigint | undefined): SnapshotJson[] {
  const found: SnapshotJson[] = []
  let at = currentSnapshotOf(metadata)
  while (at?.['snapshot-id'] !== base) {
    // A chain cannot be longer than there are snapshots.
    if (at === undefined || found.length > metadata.snapshots.length) {
      throw conflict(
        { name },
        `it does not come from snapshot ${base}, or snapshots since have expired`,
      )
    }
    found.push(at)
    const parent = at['parent-snapshot-id']
    if (typeof parent !== 'bigint') {
      if (base === undefined) break
      at = undefined
      continue
    }
    at = snapshotOf(metadata, parent)
  }
  return found
}

/** A change that was decided on by what the table was, and is not what it would be by now. */
export function conflict(
  { name }: Pick<Table, 'name'>,
  why: string,
  context: Record<string, unknown> = {},
): PlatformError {
  return new PlatformError(
    'lake.conflict',
    `${name.database}.${name.name} was changed meanwhile: ${why}; read it again and decide anew`,
    { context },
  )
}
