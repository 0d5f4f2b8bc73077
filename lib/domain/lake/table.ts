import type { Clock, IdSource } from '../kernel/clock.ts'
import { PlatformError } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import { type Catalog, mustReload, type TableName } from './catalog.ts'
import type { DataFile } from './data-file.ts'
import { type Descent, descentFrom } from './descent.ts'
import { metadataPath, writeNew } from './lake-objects.ts'
import { LiveRowReader } from './live-rows.ts'
import type { ManifestFile } from './manifest.ts'
import { type NewTable, newTableMetadata } from './new-table.ts'
import { readable } from './read-manifests.ts'
import type { PartitionSpec, TableSchema } from './schema.ts'
import { contentsOf, type SnapshotContents } from './snapshot-contents.ts'
import {
  currentSchemaJson,
  currentSnapshotOf,
  encodeTableMetadata,
  parseTableMetadata,
  partitionSpec,
  type SnapshotJson,
  specJson,
  type TableMetadata,
  tableSchema,
} from './table-metadata.ts'

export { manifestsOf } from './read-manifests.ts'

/** What the lake stands on. */
export interface Lake {
  readonly objects: ObjectStore
  readonly catalog: Catalog
  readonly clock: Clock
  readonly ids: IdSource
}

export interface Snapshot {
  readonly snapshotId: bigint
  readonly parentSnapshotId?: bigint
  readonly sequenceNumber: number
  readonly timestampMs: number
  readonly manifestList: string
  readonly summary: Readonly<Record<string, string>>
}

/** A table as it stood at one read of the catalog. Never changes; load again to see more. */
export interface Table {
  readonly name: TableName
  readonly location: string
  readonly metadata: TableMetadata
  /** Where `metadata` was read from. */
  readonly metadataLocation: string
  readonly properties: Readonly<Record<string, string>>
  /** Throws `lake.unsupportedTable` if another engine gave the table columns that Weir does not write. */
  readonly schema: TableSchema
  /** Throws `lake.unsupportedTable` likewise. */
  readonly spec: PartitionSpec
  readonly currentSnapshot: Snapshot | undefined
  /** Oldest first, as far as they are retained. */
  readonly snapshots: readonly Snapshot[]
  /**
   * Whether the snapshot is the current one or one it came from. False after a rollback past it; also false
   * for one that has expired, unless its child is still there.
   */
  isAncestor(snapshotId: bigint): boolean
  /**
   * Whether the current snapshot is this one or came from it, whatever has expired meanwhile. May read objects; fewer if the
   * snapshot's sequence number is said.
   */
  descentFrom(snapshotId: bigint, sequenceNumber?: number): Promise<Descent>
  /** The data files that the current snapshot consists of. Rows of them may be deleted; see `contents`. */
  liveFiles(): Promise<readonly DataFile[]>
  /** The data files of the current snapshot and the files that delete rows of them. */
  contents(): Promise<SnapshotContents>
  /** How many rows of the live files are deleted by position. Reads the files that say so. */
  deletedRows(): Promise<number>
}

/** The table and the version to expect in a swap: both from the same read of the catalog. */
export interface VersionedTable {
  readonly table: Table
  readonly version: string
}

/** The table as it stands now; undefined if there is none. */
export async function loadTable(lake: Lake, name: TableName): Promise<Table | undefined> {
  return (await loadVersioned(lake, name))?.table
}

/** As {@link loadTable}; throws `lake.tableNotFound`. */
export async function requireTable(lake: Lake, name: TableName): Promise<VersionedTable> {
  const loaded = await loadVersioned(lake, name)
  if (loaded) return loaded
  throw new PlatformError('lake.tableNotFound', `there is no table ${name.database}.${name.name}`)
}

/**
 * The table as it stood when this was its metadata: for work that begins with one state of it and has to go on with the
 * same. Throws `objects.notFound` once upkeep has removed what it consisted of.
 */
export async function loadTableAt(
  { objects }: Pick<Lake, 'objects'>,
  name: TableName,
  metadataLocation: string,
): Promise<Table> {
  const kind = 'table metadata'
  const metadata = await readable(objects, metadataLocation, kind, parseTableMetadata)
  requireWhole(metadata, metadataLocation)
  return tableFrom({ objects }, name, metadata, metadataLocation)
}

async function loadVersioned(lake: Lake, name: TableName): Promise<VersionedTable | undefined> {
  const entry = await lake.catalog.load(name)
  if (!entry) return undefined
  // Exactly the metadata that this version points to: any other would let a swap undo a foreign commit.
  const metadata = await readable(
    lake.objects,
    entry.metadataLocation,
    'table metadata',
    parseTableMetadata,
  )
  requireWhole(metadata, entry.metadataLocation)
  return {
    table: tableFrom(lake, name, metadata, entry.metadataLocation),
    version: entry.version,
  }
}

/** A table whose snapshot is not there would look empty, and the next commit would make it so. */
function requireWhole(metadata: TableMetadata, uri: string): void {
  const ids = new Set(metadata.snapshots.map((one) => one['snapshot-id']))
  const current = metadata['current-snapshot-id']
  const wanted: readonly (readonly [string, boolean])[] = [
    ['table-uuid', typeof metadata['table-uuid'] === 'string'],
    ['location', typeof metadata.location === 'string'],
    ['last-sequence-number', Number.isSafeInteger(metadata['last-sequence-number'])],
    ['schemas', Array.isArray(metadata.schemas)],
    ['partition-specs', Array.isArray(metadata['partition-specs'])],
    [`snapshot ${current}, at which the table stands`, current === undefined || ids.has(current)],
  ]
  const missing = wanted.find(([, isThere]) => !isThere)
  if (missing === undefined) return
  throw new PlatformError('lake.corruptFile', `table metadata ${uri} has no ${missing[0]}`, {
    context: { path: uri },
  })
}

export interface CreateTable extends NewTable {
  readonly name: TableName
}

const CREATE_ATTEMPTS = 5

/**
 * The table if there is one, whatever its schema; otherwise a new and empty one. Throws `lake.foreignTable` if the one
 * that is there has another location.
 */
export async function createTableIfAbsent(lake: Lake, create: CreateTable): Promise<Table> {
  const { name, schema } = create
  const location = withoutSlash(create.location)
  for (let attempt = 1; attempt <= CREATE_ATTEMPTS; attempt++) {
    const existing = await loadTable(lake, name)
    if (existing) return requireLocation(existing, location)
    const { ids, clock, objects, catalog } = lake
    const metadataLocation = metadataPath(location, 0, ids.uuid())
    const metadata = newTableMetadata({ ...create, location }, ids.uuid(), clock.nowMs())
    // The metadata first: the entry must never name an object that is not there. A lost race or a lost
    // answer leaves an object that nothing names; it stays, since it may be the one that won.
    await writeNew(objects, metadataLocation, encodeTableMetadata(metadata), 'application/json')
    try {
      await catalog.create(name, { metadataLocation, location, schema })
    } catch (error) {
      if (!mustReload(error)) throw error
    }
  }
  const table = await loadTable(lake, name)
  if (table) return requireLocation(table, location)
  throw new PlatformError(
    'lake.commitAttemptsExhausted',
    `could not create ${name.database}.${name.name} in ${CREATE_ATTEMPTS} attempts`,
    { retryable: true },
  )
}

/**
 * The table, if it is the one at this location. Another one of the same name was left behind by an earlier product: its
 * fences are positions of another stream, so nothing would ever be committed to it, or too little.
 */
export function requireLocation(table: Table, location: string): Table {
  const { database, name } = table.name
  const wanted = withoutSlash(location)
  if (table.location === wanted) return table
  throw new PlatformError(
    'lake.foreignTable',
    `table ${database}.${name} is another one: it is at ${table.location}, not at ${wanted}. Was a product of this name removed and added again? Take the old entry out of the catalog (aws glue delete-table --database-name ${database} --name ${name}); its files stay where they are`,
    { context: { location: table.location, wanted } },
  )
}

function withoutSlash(location: string): string {
  return location.replace(/\/+$/, '')
}

/** A table from metadata at hand. */
export function tableFrom(
  { objects }: Pick<Lake, 'objects'>,
  name: TableName,
  metadata: TableMetadata,
  metadataLocation: string,
): Table {
  const current = currentSnapshotOf(metadata)
  let ancestors: ReadonlySet<bigint> | undefined
  return {
    name,
    location: withoutSlash(metadata.location),
    metadata,
    metadataLocation,
    properties: metadata.properties,
    get schema() {
      return tableSchema(currentSchemaJson(metadata))
    },
    get spec() {
      return partitionSpec(specJson(metadata, metadata['default-spec-id']))
    },
    currentSnapshot: current && plainSnapshot(current),
    get snapshots() {
      return metadata.snapshots.map(plainSnapshot)
    },
    isAncestor: (snapshotId) => {
      ancestors ??= ancestorsOf(metadata)
      return ancestors.has(snapshotId)
    },
    descentFrom: (snapshotId, sequenceNumber) =>
      descentFrom(objects, metadata, snapshotId, sequenceNumber),
    liveFiles: async () => {
      const isOfData = ({ content }: ManifestFile) => content === 0
      const { data } = await contentsOf(objects, metadata, current, isOfData)
      return data.map(({ file }) => file)
    },
    contents: () => contentsOf(objects, metadata, current),
    deletedRows: () => deletedRowsIn(objects, metadata, current),
  }
}

function ancestorsOf(metadata: TableMetadata): ReadonlySet<bigint> {
  const byId = new Map(metadata.snapshots.map((snapshot) => [snapshot['snapshot-id'], snapshot]))
  const ancestors = new Set<bigint>()
  let id = metadata['current-snapshot-id']
  // Some engines write null for a first snapshot's parent.
  while (typeof id === 'bigint' && !ancestors.has(id)) {
    ancestors.add(id)
    id = byId.get(id)?.['parent-snapshot-id']
  }
  return ancestors
}

async function deletedRowsIn(
  objects: Pick<ObjectStore, 'get'>,
  metadata: TableMetadata,
  snapshot: SnapshotJson | undefined,
): Promise<number> {
  const { data, deletes } = await contentsOf(objects, metadata, snapshot)
  const reader = new LiveRowReader(objects, metadata, deletes)
  let rows = 0
  for (const one of data) rows += await reader.deletedByPosition(one)
  return rows
}

function plainSnapshot(json: SnapshotJson): Snapshot {
  const parent = json['parent-snapshot-id']
  return {
    snapshotId: json['snapshot-id'],
    ...(typeof parent === 'bigint' && { parentSnapshotId: parent }),
    sequenceNumber: json['sequence-number'],
    timestampMs: json['timestamp-ms'],
    manifestList: json['manifest-list'],
    summary: json.summary,
  }
}
