import { PlatformError } from '../kernel/errors.ts'
import { inParallel } from '../kernel/in-parallel.ts'
import { ApplicableDeletes } from './applicable-deletes.ts'
import type { DataFile } from './data-file.ts'
import type { DeleteFile } from './delete-file.ts'
import { writeNew } from './lake-objects.ts'
import type { ManifestFile, NewManifest } from './manifest.ts'
import { withoutFiles } from './manifest-rewrite.ts'
import { readable } from './read-manifests.ts'
import { contentsOf, liveData, liveDeletes, specOfManifest } from './snapshot-contents.ts'
import type { Lake, Table } from './table.ts'
import { currentSnapshotOf, type TableMetadata } from './table-metadata.ts'

export interface Removal {
  /** The snapshot that does without the files. */
  readonly snapshotId: bigint
  /** Of data files. */
  readonly paths: ReadonlySet<string>
  /** Of files that delete rows. */
  readonly deletes: ReadonlySet<string>
}

export interface RemovalResult {
  /** Manifests that have none of the files, as they are. */
  readonly untouched: readonly ManifestFile[]
  readonly rewritten: readonly NewManifest[]
  readonly removed: readonly DataFile[]
  readonly removedDeletes: readonly DeleteFile[]
}

/**
 * What earlier attempts found in a manifest, by its path, and wrote in its place; undefined if it has none of the
 * files. A rival's commit leaves most manifests alone. Good for one removal only.
 */
export type Rewrites = Map<string, Rewrite | undefined>

interface Rewrite {
  readonly manifest: NewManifest
  readonly removed: readonly DataFile[]
  readonly removedDeletes: readonly DeleteFile[]
}

const READS_AT_ONCE = 16

/**
 * The table's manifests without these files. Throws `lake.inputGone` if one of them is not live: whoever wants it
 * removed has not looked at this state of the table.
 */
export async function removeFiles(
  lake: Lake,
  table: Table,
  present: readonly ManifestFile[],
  removal: Removal,
  rewrites: Rewrites,
): Promise<RemovalResult> {
  const wanted = removal.paths.size + removal.deletes.size
  if (wanted === 0) return { untouched: present, rewritten: [], removed: [], removedDeletes: [] }
  const found = await inParallel(present, READS_AT_ONCE, (manifest) =>
    rewrite(lake, table, manifest, removal, rewrites),
  )
  const done = found.filter((one) => one !== undefined)
  const removed = done.flatMap((one) => one.removed)
  const removedDeletes = done.flatMap((one) => one.removedDeletes)
  const live = new Set([...removed, ...removedDeletes].map(({ path }) => path))
  requireAll(table, [...removal.paths, ...removal.deletes], live, 'to remove')
  return {
    untouched: present.filter((_, at) => found[at] === undefined),
    rewritten: done.map(({ manifest }) => manifest),
    removed,
    removedDeletes,
  }
}

/** Throws `lake.inputGone` for files that are not live. */
function requireAll(
  { name }: Table,
  paths: readonly string[],
  live: ReadonlySet<string>,
  why: string,
): void {
  const gone = paths.filter((path) => !live.has(path))
  if (gone.length === 0) return
  throw new PlatformError(
    'lake.inputGone',
    `${gone.length} of ${paths.length} files ${why} are not in ${name.database}.${name.name}: read the table again and decide anew`,
    { context: { path: gone[0] } },
  )
}

/** What a change needs to know of row deletes, and what it says of them. */
export interface DeletesInView {
  /** Data files that others take the place of. */
  readonly replaced: ReadonlySet<string>
  /** Delete files whose rows the added files leave out. */
  readonly applied: ReadonlySet<string>
  /** Data files that must be in the table. */
  readonly live: readonly string[]
}

/**
 * Throws `lake.rowDeletes` if rows of a replaced file are deleted and the change does not say that it has left them out:
 * the files in its place would bring them back. Throws `lake.inputGone` if a file that must be live is not.
 */
export async function requireDeletesSeen(
  lake: Lake,
  table: Table,
  base: TableMetadata,
  present: readonly ManifestFile[],
  { replaced, applied, live }: DeletesInView,
): Promise<void> {
  const hasDeletes = replaced.size > 0 && present.some(({ content }) => content === 1)
  if (!hasDeletes && live.length === 0) return
  const { data, deletes } = await contentsOf(lake.objects, base, currentSnapshotOf(base))
  requireAll(table, live, new Set(data.map(({ file }) => file.path)), 'whose rows are deleted')
  const index = new ApplicableDeletes(base, deletes)
  for (const one of data) {
    if (!replaced.has(one.file.path)) continue
    const unseen = index.to(one).find(({ file }) => !applied.has(file.path))
    if (unseen === undefined) continue
    throw new PlatformError(
      'lake.rowDeletes',
      `rows of ${one.file.path} are deleted by ${unseen.file.path}, which its replacement does not take into account: read the table again and decide anew`,
      { context: { path: one.file.path, deletes: unseen.file.path } },
    )
  }
}

async function rewrite(
  { objects, ids }: Lake,
  { location, metadata }: Table,
  manifest: ManifestFile,
  { snapshotId, paths, deletes }: Removal,
  rewrites: Rewrites,
): Promise<Rewrite | undefined> {
  const { manifestPath: path, content } = manifest
  if (rewrites.has(path)) return rewrites.get(path)
  const wanted = content === 0 ? paths : deletes
  const without =
    wanted.size === 0
      ? undefined
      : await readable(objects, path, 'manifest', (bytes) =>
          withoutFiles(bytes, manifest, snapshotId, wanted),
        )
  let made: Rewrite | undefined
  if (without) {
    const manifestPath = `${location}/metadata/${ids.uuid()}-m0.avro`
    await writeNew(objects, manifestPath, without.bytes, 'application/octet-stream')
    const spec = specOfManifest(metadata, manifest)
    made = {
      manifest: { manifestPath, ...without.line },
      removed:
        content === 0 ? without.removed.map((one) => liveData(one, manifest, spec).file) : [],
      removedDeletes:
        content === 1 ? without.removed.map((one) => liveDeletes(one, manifest, spec).file) : [],
    }
  }
  rewrites.set(path, made)
  return made
}
