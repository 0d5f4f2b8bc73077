import type { TableName } from '../catalog.ts'
import { type CommitOptions, type CommitResult, commit } from '../commit.ts'
import { refuseOnHold } from '../fences.ts'
import { isLive } from '../manifest.ts'
import { manifestsToRewrite } from '../merge-manifests.ts'
import { type Lake, manifestsOf } from '../table.ts'
import { currentSnapshotOf } from '../table-metadata.ts'

/**
 * Puts the table's manifests together in as few as they fill, files of a partition side by side, so that a reader opens
 * those of the partitions that it asks for. Commits do the like by themselves once manifests are many, in the order they
 * come. No file changes; nothing is committed if there is nothing to gain.
 *
 * Throws `lake.onHold`, and what `commit` throws.
 */
export async function rewriteManifests(
  lake: Lake,
  name: TableName,
  options: CommitOptions = {},
): Promise<CommitResult> {
  return await commit(
    lake,
    name,
    async (table) => {
      refuseOnHold(table)
      const { metadata } = table
      const manifests = await manifestsOf(lake.objects, currentSnapshotOf(metadata))
      if (manifestsToRewrite(manifests.filter(isLive), metadata).length === 0) return undefined
      return {
        files: [],
        isRewrite: true,
        rewriteManifests: true,
        summary: {},
        setProperties: () => ({}),
      }
    },
    options,
  )
}
