import { PlatformError } from '../kernel/errors.ts'
import { mustReload, type TableName } from './catalog.ts'
import type { DataFile } from './data-file.ts'
import { evolveMetadata } from './evolve-schema.ts'
import { metadataPath, metadataVersion, writeNew } from './lake-objects.ts'
import {
  encodeAddedManifest,
  encodeManifestList,
  isLive,
  manifestShape,
  type NewManifest,
  numbered,
} from './manifest.ts'
import { type Rewrites, removeFiles } from './remove-files.ts'
import type { TableSchema } from './schema.ts'
import { snapshotSummary } from './snapshot-summary.ts'
import { type Lake, manifestsOf, requireTable, type Table, tableFrom } from './table.ts'
import {
  currentSchemaJson,
  currentSnapshotOf,
  encodeTableMetadata,
  snapshotOf,
  specJson,
  type TableMetadata,
} from './table-metadata.ts'
import { nextMetadata, nextTimestampMs } from './transaction.ts'

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
  /** What the files hold: the table's schema is widened to it in the same swap, and never narrowed. */
  readonly schema?: TableSchema
  /** Goes into the snapshot's summary next to Iceberg's own counts. */
  readonly summary: Readonly<Record<string, string>>
  /** Table properties to set, which may name the snapshot that sets them. */
  readonly setProperties: (snapshotId: bigint) => Readonly<Record<string, string>>
}

/** Says what is still to be done for this state of the table; undefined if nothing is. */
export type Decide = (table: Table) => Promise<Change | undefined> | Change | undefined

export interface CommitOptions {
  /** @default 10 */
  readonly attempts?: number
  /** Waits before attempt number `attempt` (2, 3, …); see `jitteredBackoff`. */
  readonly pause?: (attempt: number) => Promise<void>
}

export interface CommitResult {
  /** The table as it is now known to stand. */
  readonly table: Table
  /** Whether this call put a snapshot into the table, even if the answer was lost; false if nothing was left to do. */
  readonly committed: boolean
  readonly attempts: number
  /** The snapshot that this call put in. */
  readonly snapshotId?: bigint
}

/** Manifests that stand in the store, and exactly what they are good for. */
interface Prepared {
  readonly key: string
  readonly snapshotId: bigint
  /** Undefined for a change without added files. */
  readonly manifest?: NewManifest
  /** Manifests without their removed files; they name the snapshot too. */
  readonly rewrites: Rewrites
}

/**
 * Changes the table as `decide` says, in one atomic swap of the table's metadata with its properties.
 *
 * A conflict and an unknown outcome are one case: read the table again and ask `decide` again, which subtracts
 * what is there by then. So it makes no difference whether an attempt was applied at once, late, or never, nor
 * whether a conflict was a rival's commit or our own repeated success. Nothing is ever deleted: after a
 * conflict the metadata "we failed to commit" may be the table's current one. Attempts that lost leave objects
 * that nothing names, for maintenance to find.
 *
 * Throws `lake.commitAttemptsExhausted` (retryable), `lake.tableNotFound`, `lake.inputGone` and `lake.rowDeletes` if
 * files cannot be removed, or what the catalog refused for good.
 */
export async function commit(
  lake: Lake,
  name: TableName,
  decide: Decide,
  options: CommitOptions = {},
): Promise<CommitResult> {
  const { attempts: mostAttempts = 10, pause } = options
  const tried: bigint[] = []
  let prepared: Prepared | undefined
  for (let attempt = 1; ; attempt++) {
    const { table, version } = await requireTable(lake, name)
    const change = await decide(table)
    if (!change) {
      const snapshotId = tried.findLast((id) => table.isAncestor(id))
      return { table, attempts: attempt, ...outcome(snapshotId) }
    }

    const shaped = change.schema ? evolveMetadata(table.metadata, change.schema) : table.metadata
    // Each object before the one that names it; the swap, which makes them part of the table, last.
    prepared = await prepare(lake, table, shaped, change, prepared)
    const metadata = await writeSnapshot(lake, table, shaped, change, prepared)
    const metadataLocation = metadataPath(
      table.location,
      metadataVersion(table.metadataLocation) + 1,
      lake.ids.uuid(),
    )
    await writeNew(
      lake.objects,
      metadataLocation,
      encodeTableMetadata(metadata),
      'application/json',
    )
    tried.push(prepared.snapshotId)
    try {
      const next = tableFrom(lake, name, metadata, metadataLocation)
      await lake.catalog.swap(name, {
        expectedVersion: version,
        metadataLocation,
        ...(shaped !== table.metadata && { schema: next.schema }),
      })
      return {
        table: next,
        attempts: attempt,
        ...outcome(prepared.snapshotId),
      }
    } catch (error) {
      if (!mustReload(error)) throw error
      if (attempt >= mostAttempts) {
        throw new PlatformError(
          'lake.commitAttemptsExhausted',
          `could not commit to ${name.database}.${name.name} in ${attempt} attempts`,
          { retryable: true, cause: error, context: { attempts: attempt } },
        )
      }
    }
    await pause?.(attempt + 1)
  }
}

function outcome(snapshotId: bigint | undefined): Pick<CommitResult, 'committed' | 'snapshotId'> {
  return snapshotId === undefined ? { committed: false } : { committed: true, snapshotId }
}

/**
 * The manifest of the added files: that of an earlier attempt only if it lists exactly these files, and the same
 * removals, for this very table, and if its snapshot has not entered the table meanwhile. A manifest of a larger set
 * would add again what a rival has committed by now.
 */
async function prepare(
  lake: Lake,
  table: Table,
  metadata: TableMetadata,
  { files, removed = [] }: Change,
  earlier: Prepared | undefined,
): Promise<Prepared> {
  const paths = files.map(({ path }) => path)
  if (new Set([...paths, ...removed]).size < paths.length + removed.length) {
    throw new PlatformError('lake.duplicateFile', 'a change names a file twice')
  }
  const spec = specJson(metadata, metadata['default-spec-id'])
  // The whole schema: a rival may have given the same id to another one.
  const schema = currentSchemaJson(metadata)
  const key = JSON.stringify([metadata['table-uuid'], schema, spec['spec-id'], paths, removed])
  if (earlier?.key === key && !snapshotOf(metadata, earlier.snapshotId)) return earlier

  const snapshotId = newSnapshotId(lake, metadata)
  const rewrites: Rewrites = new Map()
  if (files.length === 0) return { key, snapshotId, rewrites }
  const { bytes, line } = encodeAddedManifest(manifestShape(metadata, spec), snapshotId, files)
  const manifestPath = `${table.location}/metadata/${lake.ids.uuid()}-m0.avro`
  await writeNew(lake.objects, manifestPath, bytes, 'application/octet-stream')
  return { key, snapshotId, manifest: { manifestPath, ...line }, rewrites }
}

function newSnapshotId(lake: Lake, metadata: TableMetadata): bigint {
  for (;;) {
    const id = lake.ids.snapshotId()
    if (!snapshotOf(metadata, id)) return id
  }
}

/** Writes the manifest list over what the table has now and returns the metadata that would follow. */
async function writeSnapshot(
  lake: Lake,
  table: Table,
  metadata: TableMetadata,
  change: Change,
  { snapshotId, manifest, rewrites }: Prepared,
): Promise<TableMetadata> {
  const parent = currentSnapshotOf(metadata)
  const parentSnapshotId = parent?.['snapshot-id']
  const sequenceNumber = metadata['last-sequence-number'] + 1
  const present = (await manifestsOf(lake.objects, parent)).filter(isLive)
  const { kept, rewritten, removed } = await removeFiles(
    lake,
    table,
    present,
    { snapshotId, paths: new Set(change.removed), isReplacement: change.files.length > 0 },
    rewrites,
  )
  const manifests = [
    ...[...(manifest ? [manifest] : []), ...rewritten].map((line) =>
      numbered(line, BigInt(sequenceNumber)),
    ),
    ...kept,
  ]
  const manifestList = `${table.location}/metadata/snap-${snapshotId}-${lake.ids.uuid()}.avro`
  const list = encodeManifestList(manifests, {
    snapshotId,
    sequenceNumber,
    ...(parentSnapshotId !== undefined && { parentSnapshotId }),
  })
  await writeNew(lake.objects, manifestList, list, 'application/octet-stream')

  const atMs = nextTimestampMs(metadata, lake.clock.nowMs())
  return nextMetadata(
    metadata,
    table.metadataLocation,
    {
      requirements: [
        { kind: 'currentSnapshot', snapshotId: parentSnapshotId },
        ...(manifest ? [{ kind: 'defaultSpec' as const, specId: manifest.partitionSpecId }] : []),
      ],
      updates: [
        {
          kind: 'addSnapshot',
          snapshot: {
            'snapshot-id': snapshotId,
            ...(parentSnapshotId !== undefined && { 'parent-snapshot-id': parentSnapshotId }),
            'sequence-number': sequenceNumber,
            'timestamp-ms': atMs,
            'manifest-list': manifestList,
            'schema-id': metadata['current-schema-id'],
            summary: snapshotSummary(parent, { added: change.files, removed }, change.summary),
          },
        },
        { kind: 'setCurrentSnapshot', snapshotId },
        { kind: 'setProperties', properties: change.setProperties(snapshotId) },
      ],
    },
    atMs,
  )
}
