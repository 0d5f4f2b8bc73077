import { PlatformError } from '../kernel/errors.ts'
import type { DataFile } from './data-file.ts'
import type { DeleteFile } from './delete-file.ts'
import { FENCES_PROPERTY } from './fences.ts'
import { writeNew } from './lake-objects.ts'
import {
  type EncodedManifest,
  encodeAddedDeletes,
  encodeAddedManifest,
  encodeManifestList,
  isLive,
  type ManifestFile,
  manifestShape,
  type NewManifest,
  numbered,
} from './manifest.ts'
import { type Merge, mergeManifests } from './merge-manifests.ts'
import { type Rewrites, removeFiles, requireDeletesSeen } from './remove-files.ts'
import type { TableSchema } from './schema.ts'
import { carriedState, inheritedState } from './snapshot-state.ts'
import { snapshotSummary } from './snapshot-summary.ts'
import { specOfFile } from './spec-of-file.ts'
import { type Lake, manifestsOf, type Table } from './table.ts'
import {
  currentSchemaJson,
  currentSnapshotOf,
  type SnapshotJson,
  type SnapshotRefJson,
  snapshotOf,
  specJson,
  type TableMetadata,
} from './table-metadata.ts'
import { standingAt } from './table-on-branch.ts'
import { nextMetadata, nextTimestampMs, type Update } from './transaction.ts'

/**
 * What one commit changes: files added, files removed, and properties set in the same swap. Neither added nor removed
 * files is a legal snapshot too.
 */
export interface Change {
  readonly files: readonly DataFile[]
  /**
   * Paths of live data files that the added ones replace (copy-on-write), or that just go. One that is not live in
   * the table that `decide` was shown is `lake.inputGone`.
   */
  readonly removed?: readonly string[]
  /** Files that delete rows of files that are in the table, or are added by this very change. */
  readonly deletes?: readonly DeleteFile[]
  /** Paths of live files that delete rows and are not needed any more; as `removed`. */
  readonly removedDeletes?: readonly string[]
  /**
   * Paths of delete files whose rows the added files leave out. Where others delete rows of a file that is replaced, the
   * change is refused (`lake.rowDeletes`): they would come back.
   */
  readonly applied?: readonly string[]
  /** Rows of the removed files that were deleted before: a rewrite leaves them out. @default 0 */
  readonly deletedRows?: number
  /** Paths of data files that must be live, since rows of them are deleted here: `lake.inputGone` otherwise. */
  readonly live?: readonly string[]
  /**
   * Whether the added files hold the very rows of the removed ones, in other files: then the snapshot is a `replace`,
   * which whoever reads only what is new may skip. `lake.rowsDiffer` if not even their number is the same.
   */
  readonly isRewrite?: boolean
  /** Whether to put all manifests together that can be, not only when they are many. */
  readonly rewriteManifests?: boolean
  /** What the files hold: the table's schema is widened to it in the same swap, and never narrowed. */
  readonly schema?: TableSchema
  /** Goes into the snapshot's summary next to Iceberg's own counts. */
  readonly summary: Readonly<Record<string, string>>
  /** Table properties to set, which may name the snapshot that sets them. */
  readonly setProperties: (snapshotId: bigint) => Readonly<Record<string, string>>
}

/** A branch other than the main one, and where that one stands meanwhile. */
export interface OnBranch {
  readonly branch: string
  readonly main: bigint | undefined
}

/** A snapshot that the next swap can make the table's current one. */
export interface StagedSnapshot {
  readonly snapshotId: bigint
  readonly metadata: TableMetadata
  /** For the next attempt. */
  readonly manifests: StagedManifests
}

/** Manifests that stand in the store, and exactly what they are good for. All of them name the snapshot. */
interface StagedManifests {
  readonly key: string
  readonly atMs: number
  readonly snapshotId: bigint
  /** One per partition spec of the added files. */
  readonly added: readonly NewManifest[]
  readonly rewrites: Rewrites
  readonly merges: Merge[]
}

/** Orphan removal spares what is younger than a day: what a paused process wrote before may be gone. */
const FRESH_MS = 3_600_000

/**
 * Writes the manifests and the manifest list of a changed table, and returns the metadata that names them.
 * `base` is the table's metadata, perhaps with another schema. On a branch both see the table as it stands there.
 */
export async function stageSnapshot(
  lake: Lake,
  table: Table,
  base: TableMetadata,
  change: Change,
  earlier: StagedSnapshot | undefined,
  on?: OnBranch,
): Promise<StagedSnapshot> {
  const staged = await stageManifests(lake, table, base, change, earlier?.manifests)
  const { snapshotId } = staged
  const parent = currentSnapshotOf(base)
  const sequenceNumber = base['last-sequence-number'] + 1
  const present = (await manifestsOf(lake.objects, parent)).filter(isLive)
  const removal = {
    snapshotId,
    paths: new Set(change.removed),
    deletes: new Set(change.removedDeletes),
  }
  await requireDeletesSeen(lake, table, base, present, {
    replaced: change.files.length > 0 ? removal.paths : new Set(),
    applied: new Set(change.applied),
    live: change.live ?? [],
  })
  const { untouched, rewritten, removed, removedDeletes } = await removeFiles(
    lake,
    table,
    present,
    removal,
    staged.rewrites,
  )
  const { kept, merged } = await mergeManifests(lake, base, untouched, {
    id: snapshotId,
    merges: staged.merges,
    isThorough: change.rewriteManifests ?? false,
  })
  const written = [...staged.added, ...rewritten, ...merged]
  const manifestList = await writeManifestList(lake, table, base, snapshotId, [
    ...written.map((manifest) => numbered(manifest, BigInt(sequenceNumber))),
    ...kept,
  ])
  const { isRewrite = false, deletedRows = 0, deletes: addedDeletes = [] } = change
  const counted = { added: change.files, removed, addedDeletes, removedDeletes }
  const { summary, properties } = await described(table, change, snapshotId, on)
  const snapshot: SnapshotJson = {
    'snapshot-id': snapshotId,
    ...(parent && { 'parent-snapshot-id': parent['snapshot-id'] }),
    'sequence-number': sequenceNumber,
    'timestamp-ms': nextTimestampMs(base, lake.clock.nowMs()),
    'manifest-list': manifestList,
    'schema-id': base['current-schema-id'],
    summary: snapshotSummary(parent, { ...counted, isRewrite, deletedRows }, summary),
  }
  return {
    snapshotId,
    metadata: withSnapshot(table, base, snapshot, properties, on),
    manifests: staged,
  }
}

/**
 * The manifest of the added files: that of an earlier attempt only if it lists exactly these files, and the same
 * removals, for this very table, and if its snapshot has not entered the table meanwhile. A manifest of a larger set
 * would add again what a rival has committed by now.
 */
async function stageManifests(
  lake: Lake,
  table: Table,
  base: TableMetadata,
  { files, removed = [], deletes = [], removedDeletes = [] }: Change,
  earlier: StagedManifests | undefined,
): Promise<StagedManifests> {
  const paths = [...files, ...deletes].map(({ path }) => path)
  const gone = [...removed, ...removedDeletes]
  if (new Set([...paths, ...gone]).size < paths.length + gone.length) {
    throw new PlatformError('lake.duplicateFile', 'a change names a file twice')
  }
  const bySpec = [...Map.groupBy(files, (file) => specOfFile(base, file))]
  const deletesBySpec = [...Map.groupBy(deletes, (file) => specJson(base, file.specId))]
  // The whole schema: a rival may have given the same id to another one.
  const shape = [
    currentSchemaJson(base),
    bySpec.map(([spec]) => spec['spec-id']),
    deletesBySpec.map(([spec]) => spec['spec-id']),
  ]
  const key = JSON.stringify([base['table-uuid'], shape, paths, removed, removedDeletes])
  const atMs = lake.clock.nowMs()
  const isGood = earlier?.key === key && atMs - earlier.atMs < FRESH_MS
  if (isGood && !snapshotOf(base, earlier.snapshotId)) return earlier

  const snapshotId = newSnapshotId(lake, base)
  const added: NewManifest[] = []
  const write = async ({ bytes, line }: EncodedManifest) => {
    const manifestPath = `${table.location}/metadata/${lake.ids.uuid()}-m0.avro`
    await writeNew(lake.objects, manifestPath, bytes, 'application/octet-stream')
    added.push({ manifestPath, ...line })
  }
  for (const [spec, some] of bySpec) {
    await write(encodeAddedManifest(manifestShape(base, spec), snapshotId, some))
  }
  for (const [spec, some] of deletesBySpec) {
    await write(encodeAddedDeletes(manifestShape(base, spec), snapshotId, some))
  }
  return { key, atMs, snapshotId, added, rewrites: new Map(), merges: [] }
}

function newSnapshotId(lake: Lake, metadata: TableMetadata): bigint {
  for (;;) {
    const id = lake.ids.snapshotId()
    if (!snapshotOf(metadata, id)) return id
  }
}

async function writeManifestList(
  { objects, ids }: Lake,
  { location }: Table,
  base: TableMetadata,
  snapshotId: bigint,
  manifests: readonly ManifestFile[],
): Promise<string> {
  const parent = currentSnapshotOf(base)
  const uri = `${location}/metadata/snap-${snapshotId}-${ids.uuid()}.avro`
  const list = encodeManifestList(manifests, {
    snapshotId,
    sequenceNumber: base['last-sequence-number'] + 1,
    ...(parent && { parentSnapshotId: parent['snapshot-id'] }),
  })
  await writeNew(objects, uri, list, 'application/octet-stream')
  return uri
}

/** What the change says of its snapshot, and the table's fences and the like if it moves none. */
async function described(
  table: Table,
  { summary, setProperties }: Change,
  snapshotId: bigint,
  on: OnBranch | undefined,
) {
  const properties = setProperties(snapshotId)
  if (on) return { summary: onBranch(table, summary, properties, on), properties }
  const carried = properties[FENCES_PROPERTY] === undefined ? await carriedState(table) : undefined
  return {
    summary: { ...carried?.summary, ...summary },
    properties: { ...carried?.properties(snapshotId), ...properties },
  }
}

function onBranch(
  table: Table,
  summary: Readonly<Record<string, string>>,
  properties: Readonly<Record<string, string>>,
  { branch }: OnBranch,
) {
  const [key] = Object.keys(properties)
  if (key !== undefined) {
    throw new PlatformError(
      'lake.branchProperties',
      `property ${key} is the whole table's: it cannot be set by a commit to branch ${branch}`,
    )
  }
  const parent = table.currentSnapshot?.snapshotId
  return { ...(parent !== undefined && inheritedState(table, parent)), ...summary }
}

function withSnapshot(
  table: Table,
  base: TableMetadata,
  snapshot: SnapshotJson,
  properties: Readonly<Record<string, string>>,
  on: OnBranch | undefined,
): TableMetadata {
  const snapshotId = snapshot['snapshot-id']
  const standing: readonly Update[] = on
    ? [{ kind: 'setRef', name: on.branch, ref: movedRef(base, on.branch, snapshotId) }]
    : [
        { kind: 'setCurrentSnapshot', snapshotId },
        { kind: 'setProperties', properties },
      ]
  return nextMetadata(
    on ? standingAt(base, on.main) : base,
    table.metadataLocation,
    [{ kind: 'addSnapshot', snapshot }, ...standing, { kind: 'expireSnapshots' }],
    snapshot['timestamp-ms'],
  )
}

function movedRef({ refs }: TableMetadata, branch: string, snapshotId: bigint): SnapshotRefJson {
  return { ...refs[branch], 'snapshot-id': snapshotId, type: 'branch' }
}
