import { PlatformError } from '../kernel/errors.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import type { DataFile } from './data-file.ts'
import { writeNew } from './lake-objects.ts'
import type { ManifestFile, NewManifest } from './manifest.ts'
import { plainFile } from './manifest-entry.ts'
import { withoutFiles } from './manifest-rewrite.ts'
import type { Lake, Table } from './table.ts'
import { specJson } from './table-metadata.ts'

export interface Removal {
  /** The snapshot that does without the files. */
  readonly snapshotId: bigint
  readonly paths: ReadonlySet<string>
  /** Whether other files take their place. */
  readonly isReplacement: boolean
}

export interface RemovalResult {
  /** Manifests that have none of the files, as they are. */
  readonly untouched: readonly ManifestFile[]
  readonly rewritten: readonly NewManifest[]
  readonly removed: readonly DataFile[]
}

/**
 * What earlier attempts found in a manifest, by its path, and wrote in its place; undefined if it has none of the
 * files. A rival's commit leaves most manifests alone. Good for one removal only.
 */
export type Rewrites = Map<string, Rewrite | undefined>

interface Rewrite {
  readonly manifest: NewManifest
  readonly removed: readonly DataFile[]
}

const READS_AT_ONCE = 16

/**
 * The table's manifests without these files. Throws `lake.inputGone` if one of them is not live: whoever wants it
 * removed has not looked at this state of the table. Throws `lake.rowDeletes` if files would be replaced in a table
 * with row deletes: what was read from a data file alone may hold rows that are deleted.
 */
export async function removeFiles(
  lake: Lake,
  table: Table,
  present: readonly ManifestFile[],
  removal: Removal,
  rewrites: Rewrites,
): Promise<RemovalResult> {
  const { paths, isReplacement } = removal
  if (paths.size === 0) return { untouched: present, rewritten: [], removed: [] }
  const name = `${table.name.database}.${table.name.name}`
  if (isReplacement && present.some(({ content }) => content === 1)) {
    throw new PlatformError(
      'lake.rowDeletes',
      `${name} has row deletes of another engine: compact it with that engine before replacing its files`,
    )
  }
  const found = await inParallel(present, READS_AT_ONCE, (manifest) =>
    rewrite(lake, table, manifest, removal, rewrites),
  )
  const done = found.filter((one) => one !== undefined)
  const removed = done.flatMap((one) => one.removed)
  const live = new Set(removed.map(({ path }) => path))
  const gone = [...paths].filter((path) => !live.has(path))
  if (gone.length > 0) {
    throw new PlatformError(
      'lake.inputGone',
      `${gone.length} of ${paths.size} files to remove are not in ${name}: read the table again and decide anew`,
      { context: { path: gone[0] } },
    )
  }
  return {
    untouched: present.filter((_, at) => found[at] === undefined),
    rewritten: done.map(({ manifest }) => manifest),
    removed,
  }
}

async function rewrite(
  { objects, ids }: Lake,
  { location, metadata }: Table,
  manifest: ManifestFile,
  { snapshotId, paths }: Removal,
  rewrites: Rewrites,
): Promise<Rewrite | undefined> {
  const { manifestPath: path, content } = manifest
  if (content === 1 || rewrites.has(path)) return rewrites.get(path)
  const without = withoutFiles(await objects.get(path), manifest, snapshotId, paths)
  let made: Rewrite | undefined
  if (without) {
    const manifestPath = `${location}/metadata/${ids.uuid()}-m0.avro`
    await writeNew(objects, manifestPath, without.bytes, 'application/octet-stream')
    const spec = specJson(metadata, manifest.partitionSpecId)
    made = {
      manifest: { manifestPath, ...without.line },
      removed: without.removed.map((file) => plainFile(file, spec)),
    }
  }
  rewrites.set(path, made)
  return made
}
