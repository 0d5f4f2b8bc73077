import { inParallel } from '../kernel/in-parallel.ts'
import { writeNew } from './lake-objects.ts'
import {
  canWrite,
  encodeExistingManifest,
  type ManifestFile,
  type ManifestShape,
  manifestShape,
  type NewManifest,
} from './manifest.ts'
import { type EntryRecord, plainPartition } from './manifest-entry.ts'
import { partitionScalar } from './partition-value.ts'
import { entriesOf } from './read-manifests.ts'
import type { ScalarValue } from './single-value.ts'
import type { Lake } from './table.ts'
import { specJson, type TableMetadata } from './table-metadata.ts'

/** Iceberg's own names, which other engines go by too. */
const ENABLED = 'commit.manifest-merge.enabled'
const MIN_COUNT = 'commit.manifest.min-count-to-merge'
const TARGET_BYTES = 'commit.manifest.target-size-bytes'
const DEFAULT_MIN_COUNT = 100
const DEFAULT_TARGET_BYTES = 8 * 1024 * 1024

/** Merged manifests that stand in the store, and the paths of those that they are made of. */
export interface Merge {
  readonly inputs: ReadonlySet<string>
  readonly manifests: readonly NewManifest[]
}

export interface MergeResult {
  readonly kept: readonly ManifestFile[]
  readonly merged: readonly NewManifest[]
}

/**
 * The table's manifests, some of them put together: each costs whoever reads the table a request, and every commit a
 * line in the list. Only manifests of earlier snapshots: what this one adds and deletes is told apart by its own. What
 * an earlier attempt has merged is taken again as long as all that it is made of is still there.
 */
export async function mergeManifests(
  lake: Lake,
  base: TableMetadata,
  present: readonly ManifestFile[],
  snapshot: { readonly id: bigint; readonly merges: Merge[]; readonly isThorough: boolean },
): Promise<MergeResult> {
  const { id, merges, isThorough } = snapshot
  const left = new Map(present.map((manifest) => [manifest.manifestPath, manifest]))
  const take = ({ inputs, manifests }: Merge): readonly NewManifest[] => {
    const isThere = [...inputs].every((path) => left.has(path))
    if (isThere) for (const path of inputs) left.delete(path)
    return isThere ? manifests : []
  }
  const merged = merges.flatMap(take)
  if (merged.length === 0) {
    const once = ([0, 1] as const).map((content) => manifestsToMerge(present, base, content))
    const groups = isThorough
      ? manifestsToRewrite(present, base)
      : once.filter((group) => group.length > 1)
    for (const group of groups) {
      const inputs = new Set(group.map(({ manifestPath }) => manifestPath))
      const made = { inputs, manifests: await merge(lake, base, group, id) }
      merges.push(made)
      merged.push(...take(made))
    }
  }
  return { kept: [...left.values()], merged }
}

/**
 * All manifests of each partition spec and kind of content that could be fewer. Not those of a spec that Weir cannot write: they stay as
 * they are.
 */
export function manifestsToRewrite(
  manifests: readonly ManifestFile[],
  base: TableMetadata,
): readonly (readonly ManifestFile[])[] {
  const target = targetBytes(base)
  const byKind = Map.groupBy(
    manifests,
    ({ partitionSpecId, content }) => `${partitionSpecId} ${content}`,
  )
  return [...byKind.values()].filter((group) => {
    const bytes = group.reduce((sum, { manifestLength }) => sum + Number(manifestLength), 0)
    const isWorth = group.length > Math.ceil(bytes / target)
    return isWorth && canWrite(base, specJson(base, group[0]!.partitionSpecId))
  })
}

/**
 * Which manifests are worth merging: once there are many below the target size, the smaller half, and larger ones as
 * long as none has more files than all before it together. So a file's entry is rewritten a few times in its life, not with every
 * merge, and few manifests are left. Only those of the spec that the table grows by; others do not become more.
 */
export function manifestsToMerge(
  manifests: readonly ManifestFile[],
  base: TableMetadata,
  wanted: ManifestFile['content'] = 0,
): readonly ManifestFile[] {
  const { properties, 'default-spec-id': specId } = base
  if (properties[ENABLED] === 'false') return []
  const minCount = positive(properties[MIN_COUNT], DEFAULT_MIN_COUNT)
  const target = BigInt(targetBytes(base))
  const small = manifests
    .filter(({ content, partitionSpecId }) => content === wanted && partitionSpecId === specId)
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

function targetBytes({ properties }: TableMetadata): number {
  return positive(properties[TARGET_BYTES], DEFAULT_TARGET_BYTES)
}

const READS_AT_ONCE = 16

/** The files of the manifests, those of a partition together, in as many manifests as they fill. */
async function merge(
  { objects, ids }: Lake,
  base: TableMetadata,
  manifests: readonly ManifestFile[],
  snapshotId: bigint,
): Promise<readonly NewManifest[]> {
  const spec = specJson(base, manifests[0]!.partitionSpecId)
  const shape = manifestShape(base, spec)
  const content = manifests[0]!.content === 0 ? 'data' : 'deletes'
  const decoded = await inParallel(manifests, READS_AT_ONCE, (manifest) =>
    entriesOf(objects, manifest),
  )
  const entries = inPartitionOrder(shape, decoded.flat())
  const bytes = manifests.reduce((sum, { manifestLength }) => sum + Number(manifestLength), 0)
  const count = Math.ceil(bytes / targetBytes(base))
  const each = Math.ceil(entries.length / Math.max(1, count))
  const merged: NewManifest[] = []
  for (let at = 0; at < entries.length; at += each) {
    const some = entries.slice(at, at + each)
    const { bytes: encoded, line } = encodeExistingManifest(shape, snapshotId, some, content)
    const manifestPath = `${base.location.replace(/\/+$/, '')}/metadata/${ids.uuid()}-m0.avro`
    await writeNew(objects, manifestPath, encoded, 'application/octet-stream')
    merged.push({ manifestPath, ...line })
  }
  return merged
}

/** Neighbours in a manifest are neighbours in the table, so that its bounds tell something. */
function inPartitionOrder(shape: ManifestShape, entries: readonly EntryRecord[]) {
  const keyed = entries.map((entry) => {
    const { partition, path } = plainPartition(entry.dataFile, shape.spec)
    const values = shape.columns.map(({ name, type }) => {
      const value = partition[name]
      return value === null || value === undefined ? undefined : partitionScalar(type, value)
    })
    return { entry, values, path }
  })
  keyed.sort((a, b) => {
    for (const [at, left] of a.values.entries()) {
      const difference = compared(left, b.values[at])
      if (difference !== 0) return difference
    }
    return compared(a.path, b.path)
  })
  return keyed.map(({ entry }) => entry)
}

/** Any order will do that keeps equal values together. */
function compared(left: ScalarValue | undefined, right: ScalarValue | undefined): number {
  if (left === undefined || right === undefined) {
    return Number(left !== undefined) - Number(right !== undefined)
  }
  return left < right ? -1 : left > right ? 1 : 0
}
