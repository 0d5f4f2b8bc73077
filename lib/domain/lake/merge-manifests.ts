import { inParallel } from '../kernel/in-parallel.ts'
import { writeNew } from './lake-objects.ts'
import {
  decodeEntries,
  encodeExistingManifest,
  type ManifestFile,
  manifestShape,
  type NewManifest,
} from './manifest.ts'
import type { Lake } from './table.ts'
import { specJson, type TableMetadata } from './table-metadata.ts'

/** Iceberg's own names, which other engines go by too. */
const ENABLED = 'commit.manifest-merge.enabled'
const MIN_COUNT = 'commit.manifest.min-count-to-merge'
const TARGET_BYTES = 'commit.manifest.target-size-bytes'
const DEFAULT_MIN_COUNT = 100
const DEFAULT_TARGET_BYTES = 8 * 1024 * 1024

/** A merged manifest that stands in the store, and the paths of those that it is made of. */
export interface Merge {
  readonly inputs: ReadonlySet<string>
  readonly manifest: NewManifest
}

export interface MergeResult {
  readonly kept: readonly ManifestFile[]
  readonly merged: readonly NewManifest[]
}

/**
 * The table's manifests, small ones put together once they are many: each costs whoever reads the table a request, and
 * every commit a line in the list. Only manifests of earlier snapshots: what this one adds and deletes is told apart by
 * its own. What an earlier attempt has merged is taken again as long as all that it is made of is still there.
 */
export async function mergeManifests(
  lake: Lake,
  base: TableMetadata,
  present: readonly ManifestFile[],
  snapshotId: bigint,
  merges: Merge[],
): Promise<MergeResult> {
  const paths = new Set(present.map(({ manifestPath }) => manifestPath))
  let done = merges.find(({ inputs }) => [...inputs].every((path) => paths.has(path)))
  if (!done) {
    const chosen = manifestsToMerge(present, base)
    if (chosen.length < 2) return { kept: present, merged: [] }
    const manifest = await merge(lake, base, chosen, snapshotId)
    done = { inputs: new Set(chosen.map(({ manifestPath }) => manifestPath)), manifest }
    merges.push(done)
  }
  const { inputs, manifest } = done
  return {
    kept: present.filter(({ manifestPath }) => !inputs.has(manifestPath)),
    merged: [manifest],
  }
}

/**
 * Which manifests are worth merging: once there are many below the target size, the smaller half, and larger ones as
 * long as none has more files than all before it together. So a file's entry is rewritten a few times in its life, not with every
 * merge, and few manifests are left. Only those of the spec that the table grows by; others do not become more.
 */
export function manifestsToMerge(
  manifests: readonly ManifestFile[],
  { properties, 'default-spec-id': specId }: TableMetadata,
): readonly ManifestFile[] {
  if (properties[ENABLED] === 'false') return []
  const minCount = positive(properties[MIN_COUNT], DEFAULT_MIN_COUNT)
  const target = BigInt(positive(properties[TARGET_BYTES], DEFAULT_TARGET_BYTES))
  const small = manifests
    .filter(({ content, partitionSpecId }) => content === 0 && partitionSpecId === specId)
    .filter(({ manifestLength }) => manifestLength < target)
    .toSorted((a, b) => filesOf(a) - filesOf(b))
  if (small.length < minCount) return []
  let [bytes, files] = [0n, 0]
  const end = small.findIndex((manifest, at) => {
    const isLarge = at >= small.length / 2 && filesOf(manifest) > files
    bytes += manifest.manifestLength
    files += filesOf(manifest)
    return isLarge || bytes > target
  })
  return end < 0 ? small : small.slice(0, end)
}

function filesOf({ addedFilesCount, existingFilesCount }: ManifestFile): number {
  return addedFilesCount + existingFilesCount
}

function positive(text: string | undefined, otherwise: number): number {
  const value = Number(text ?? Number.NaN)
  return Number.isSafeInteger(value) && value > 0 ? value : otherwise
}

const READS_AT_ONCE = 16

async function merge(
  { objects, ids }: Lake,
  base: TableMetadata,
  manifests: readonly ManifestFile[],
  snapshotId: bigint,
): Promise<NewManifest> {
  const spec = specJson(base, base['default-spec-id'])
  const decoded = await inParallel(manifests, READS_AT_ONCE, async (manifest) =>
    decodeEntries(await objects.get(manifest.manifestPath), manifest),
  )
  const { bytes, line } = encodeExistingManifest(
    manifestShape(base, spec),
    snapshotId,
    decoded.flat(),
  )
  const manifestPath = `${base.location.replace(/\/+$/, '')}/metadata/${ids.uuid()}-m0.avro`
  await writeNew(objects, manifestPath, bytes, 'application/octet-stream')
  return { manifestPath, ...line }
}
