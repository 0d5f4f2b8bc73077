import { hasCode } from '../../kernel/errors.ts'
import { inParallel } from '../../kernel/in-parallel.ts'
import type { ObjectStore } from '../../kernel/object-store.ts'
import type { DataFile } from '../data-file.ts'
import { LiveRowReader } from '../live-rows.ts'
import { allFields, typeText } from '../schema.ts'
import { contentsOf } from '../snapshot-contents.ts'
import { tally } from '../snapshot-summary.ts'
import type { Table } from '../table.ts'
import {
  currentSchemaJson,
  type PartitionSpecJson,
  parseTableMetadata,
  type SchemaJson,
  snapshotOf,
  specJson,
  type TableMetadata,
  tableSchema,
} from '../table-metadata.ts'
import { requireSnapshot } from './snapshot-at.ts'

const READS_AT_ONCE = 16

/** What one snapshot has and another has not. */
export interface SnapshotDiff {
  readonly from: bigint
  readonly to: bigint
  readonly added: FileCounts
  readonly removed: FileCounts
  /** Files that delete single rows. */
  readonly deletes: { readonly added: number; readonly removed: number }
  /** Without rows that are deleted by position. */
  readonly rowsBefore: number
  readonly rowsAfter: number
  /** One line each, such as `+ tip_amount: decimal(9, 2)`. */
  readonly schema: readonly string[]
  /**
   * How new files are parted, and the properties, by key: as the metadata had them that the snapshot came with. Undefined
   * where that metadata file has left the log or the store.
   */
  readonly partitioning?: readonly string[]
  readonly properties?: readonly PropertyChange[]
}

export interface FileCounts {
  readonly files: number
  readonly rows: number
  readonly bytes: number
  /** Of the files, in their order. */
  readonly paths: readonly string[]
}

export interface PropertyChange {
  readonly key: string
  readonly before?: string
  readonly after?: string
}

/** Throws `lake.snapshotGone` if one of the two is not retained. */
export async function diffSnapshots(
  objects: ObjectStore,
  table: Table,
  from: bigint,
  to: bigint,
): Promise<SnapshotDiff> {
  const [before, after] = await Promise.all(
    [from, to].map((id) => standOf(objects, table, requireSnapshot(table, id).snapshotId)),
  )
  const [old, now] = [before!, after!]
  const [oldPaths, nowPaths] = [pathsOf(old.files), pathsOf(now.files)]
  return {
    from,
    to,
    added: counted(now.files.filter(({ path }) => !oldPaths.has(path))),
    removed: counted(old.files.filter(({ path }) => !nowPaths.has(path))),
    deletes: {
      added: [...now.deletes].filter((path) => !old.deletes.has(path)).length,
      removed: [...old.deletes].filter((path) => !now.deletes.has(path)).length,
    },
    rowsBefore: tally(old.files).rows - old.deletedRows,
    rowsAfter: tally(now.files).rows - now.deletedRows,
    schema: lineChanges(schemaLines(old.schema), schemaLines(now.schema)),
    ...(old.metadata &&
      now.metadata && {
        partitioning: lineChanges(specLines(old.metadata), specLines(now.metadata)),
        properties: propertyChanges(old.metadata.properties, now.metadata.properties),
      }),
  }
}

interface Stand {
  readonly files: readonly DataFile[]
  /** Paths. */
  readonly deletes: ReadonlySet<string>
  readonly deletedRows: number
  readonly schema: SchemaJson
  readonly metadata: TableMetadata | undefined
}

async function standOf(objects: ObjectStore, table: Table, id: bigint): Promise<Stand> {
  const snapshot = snapshotOf(table.metadata, id)!
  const [{ data, deletes }, metadata] = await Promise.all([
    contentsOf(objects, table.metadata, snapshot),
    metadataWith(objects, table, id),
  ])
  const reader = new LiveRowReader(objects, table.metadata, deletes)
  const deleted = await inParallel(data, READS_AT_ONCE, (one) => reader.deletedByPosition(one))
  const schemaId = snapshot['schema-id']
  const schema =
    table.metadata.schemas.find((one) => one['schema-id'] === schemaId) ??
    currentSchemaJson(metadata ?? table.metadata)
  return {
    files: data.map(({ file }) => file),
    deletes: new Set(deletes.map(({ file }) => file.path)),
    deletedRows: deleted.reduce((sum, rows) => sum + rows, 0),
    schema,
    metadata,
  }
}

/**
 * The metadata that a snapshot came with. The log says when each file became the table's, and the one of a commit has the
 * snapshot's own time; it is looked into, since another engine's clock may say otherwise.
 */
async function metadataWith(
  objects: Pick<ObjectStore, 'get'>,
  { metadata, metadataLocation }: Table,
  id: bigint,
): Promise<TableMetadata | undefined> {
  const atMs = snapshotOf(metadata, id)!['timestamp-ms']
  const files = [
    ...metadata['metadata-log'].map((one) => ({
      atMs: one['timestamp-ms'],
      uri: one['metadata-file'],
    })),
    { atMs: metadata['last-updated-ms'], uri: metadataLocation },
  ]
  const file = files.find((one) => one.atMs >= atMs)
  if (file === undefined) return undefined
  if (file.uri === metadataLocation) return isAt(metadata, id)
  try {
    return isAt(parseTableMetadata(await objects.get(file.uri)), id)
  } catch (error) {
    if (hasCode(error, 'objects.notFound')) return undefined
    throw error
  }
}

function isAt(metadata: TableMetadata, id: bigint): TableMetadata | undefined {
  return metadata['current-snapshot-id'] === id ? metadata : undefined
}

function schemaLines(schema: SchemaJson): ReadonlyMap<string, string> {
  return new Map(
    allFields(tableSchema(schema).fields).map(({ id, name, type, required }) => [
      String(id),
      `${name}: ${typeText(type)}${required ? '' : ', optional'}`,
    ]),
  )
}

function specLines(metadata: TableMetadata): ReadonlyMap<string, string> {
  const spec: PartitionSpecJson = specJson(metadata, metadata['default-spec-id'])
  return new Map(
    spec.fields.map((field) => [String(field['field-id']), `${field.name} by ${field.transform}`]),
  )
}

/** What is in one and not in the other, by key: `- before`, `+ after`. */
function lineChanges(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [old, now] = [before.get(key), after.get(key)]
    if (old === now) return []
    return [...(old === undefined ? [] : [`- ${old}`]), ...(now === undefined ? [] : [`+ ${now}`])]
  })
}

function propertyChanges(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
): readonly PropertyChange[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted().flatMap((key) => {
    const [old, now] = [before[key], after[key]]
    if (old === now) return []
    return [
      { key, ...(old !== undefined && { before: old }), ...(now !== undefined && { after: now }) },
    ]
  })
}

function pathsOf(files: readonly DataFile[]): ReadonlySet<string> {
  return new Set(files.map(({ path }) => path))
}

function counted(files: readonly DataFile[]): FileCounts {
  return { ...tally(files), paths: files.map(({ path }) => path) }
}
