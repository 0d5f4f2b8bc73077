import { gunzipSync } from 'node:zlib'
import { PlatformError } from '../kernel/errors.ts'
import { parseExact, stringifyExact } from './exact-json.ts'
import {
  type IcebergType,
  isPrimitiveType,
  type ListType,
  type PartitionSpec,
  type TableField,
  type TableSchema,
} from './schema.ts'
import type { SortOrderJson } from './sort-order.ts'
import { isTransform } from './transform.ts'

/** `metadata.json` of format version 2, in its own words. Keys that Weir does not know stay as they are. */
export interface TableMetadata {
  readonly 'format-version': 2
  readonly 'table-uuid': string
  readonly location: string
  readonly 'last-sequence-number': number
  readonly 'last-updated-ms': number
  readonly 'last-column-id': number
  readonly 'current-schema-id': number
  readonly schemas: readonly SchemaJson[]
  readonly 'default-spec-id': number
  readonly 'partition-specs': readonly PartitionSpecJson[]
  readonly 'last-partition-id': number
  readonly 'default-sort-order-id': number
  readonly 'sort-orders': readonly SortOrderJson[]
  readonly properties: Readonly<Record<string, string>>
  readonly 'current-snapshot-id'?: bigint
  readonly snapshots: readonly SnapshotJson[]
  readonly refs: Readonly<Record<string, SnapshotRefJson>>
  readonly 'snapshot-log': readonly SnapshotLogJson[]
  readonly 'metadata-log': readonly MetadataLogJson[]
  /** Made by other engines for single snapshots. */
  readonly statistics?: readonly SnapshotStatisticsJson[]
  readonly 'partition-statistics'?: readonly SnapshotStatisticsJson[]
}

export interface SnapshotStatisticsJson {
  readonly 'snapshot-id': bigint
  readonly 'statistics-path': string
}

export interface SchemaJson {
  readonly type: 'struct'
  readonly 'schema-id': number
  /** Of tables that others made the type may be any, also a nested one. */
  readonly fields: readonly (Omit<TableField, 'type'> & { readonly type: unknown })[]
}

export interface PartitionSpecJson {
  readonly 'spec-id': number
  readonly fields: readonly {
    readonly 'source-id': number
    readonly 'field-id': number
    readonly name: string
    readonly transform: string
  }[]
}

export interface SnapshotJson {
  readonly 'snapshot-id': bigint
  readonly 'parent-snapshot-id'?: bigint
  readonly 'sequence-number': number
  readonly 'timestamp-ms': number
  readonly 'manifest-list': string
  readonly summary: Readonly<Record<string, string>>
  readonly 'schema-id'?: number
}

/** The branch that readers see who ask for no other. */
export const MAIN = 'main'

export interface SnapshotRefJson {
  readonly 'snapshot-id': bigint
  readonly type: 'branch' | 'tag'
  /** Of a branch, instead of the table's properties. */
  readonly 'min-snapshots-to-keep'?: number
  readonly 'max-snapshot-age-ms'?: number
  /** How long the branch or tag itself is kept, from its snapshot's time on; the main branch always is. */
  readonly 'max-ref-age-ms'?: number
}

export interface SnapshotLogJson {
  readonly 'timestamp-ms': number
  readonly 'snapshot-id': bigint
}

export interface MetadataLogJson {
  readonly 'timestamp-ms': number
  readonly 'metadata-file': string
}

/** Keys whose values are snapshot ids, wherever they stand. */
const ID_KEYS = new Set(['current-snapshot-id', 'snapshot-id', 'parent-snapshot-id'])

/** Reads a metadata file, gzipped or not. Throws `lake.unsupportedTable` for any format version but 2. */
export function parseTableMetadata(bytes: Uint8Array): TableMetadata {
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes
  const parsed = withBigIds(parseExact(new TextDecoder().decode(plain))) as Record<string, unknown>
  if (parsed['format-version'] !== 2) {
    throw new PlatformError(
      'lake.unsupportedTable',
      `the table has format version ${String(parsed['format-version'])}; only 2 can be written safely`,
    )
  }
  const current = parsed['current-snapshot-id']
  const { 'current-snapshot-id': _current, ...rest } = parsed
  return {
    properties: {},
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
    ...rest,
    // No snapshot yet is written as null, as -1, or not at all.
    ...(typeof current === 'bigint' && current >= 0n && { 'current-snapshot-id': current }),
  } as unknown as TableMetadata
}

/** The bytes of a metadata file. */
export function encodeTableMetadata(metadata: TableMetadata): Uint8Array {
  return new TextEncoder().encode(stringifyExact(metadata))
}

function withBigIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBigIds)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) === null) {
    return value
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      ID_KEYS.has(key) && typeof part === 'number' ? BigInt(part) : withBigIds(part),
    ]),
  )
}

/** The snapshot with this id; without an id none. */
export function snapshotOf(metadata: TableMetadata, id?: bigint): SnapshotJson | undefined {
  return metadata.snapshots.find((snapshot) => snapshot['snapshot-id'] === id)
}

export function currentSnapshotOf(metadata: TableMetadata): SnapshotJson | undefined {
  return snapshotOf(metadata, metadata['current-snapshot-id'])
}

export function currentSchemaJson(metadata: TableMetadata): SchemaJson {
  const id = metadata['current-schema-id']
  const schema = metadata.schemas.find((candidate) => candidate['schema-id'] === id)
  if (schema) return schema
  throw new PlatformError('lake.unsupportedTable', `the table has no schema ${id}`)
}

export function specJson(metadata: TableMetadata, id: number): PartitionSpecJson {
  const spec = metadata['partition-specs'].find((candidate) => candidate['spec-id'] === id)
  if (spec) return spec
  throw new PlatformError('lake.unsupportedTable', `the table has no partition spec ${id}`)
}

/** The schema as Weir writes it. Throws `lake.unsupportedTable` if a column has another type. */
export function tableSchema(json: Pick<SchemaJson, 'fields'>): TableSchema {
  return {
    fields: json.fields.map(({ id, name, required, type, doc }) => ({
      id,
      name,
      required,
      type: knownType(name, type),
      ...(doc !== undefined && { doc }),
    })),
  }
}

function knownType(name: string, type: unknown): IcebergType {
  if (typeof type === 'string') {
    // Some engines write `decimal(9,2)`, some `decimal(9, 2)`.
    const spaced = type.replace(/^decimal\((\d+),\s*(\d+)\)$/, 'decimal($1, $2)')
    if (isPrimitiveType(spaced)) return spaced
  } else if (isNested(type, 'struct')) {
    return { type: 'struct', ...tableSchema(type as unknown as SchemaJson) }
  } else if (isNested(type, 'list')) {
    const list = type as unknown as ListType
    return {
      type: 'list',
      'element-id': list['element-id'],
      element: knownType(`${name}.element`, list.element),
      'element-required': list['element-required'],
    }
  }
  throw new PlatformError(
    'lake.unsupportedTable',
    `column ${name} has the type ${JSON.stringify(type)}, which Weir does not write`,
  )
}

function isNested(type: unknown, kind: string): boolean {
  return typeof type === 'object' && type !== null && (type as { type?: unknown }).type === kind
}

/** The spec as Weir writes it. Throws `lake.unsupportedTable` if it has another transform. */
export function partitionSpec(json: PartitionSpecJson): PartitionSpec {
  return {
    fields: json.fields.map((field) => {
      const { transform } = field
      if (!isTransform(transform)) {
        throw new PlatformError(
          'lake.unsupportedTable',
          `partition field ${field.name} has the transform ${transform}, which Weir does not write`,
        )
      }
      return {
        sourceId: field['source-id'],
        fieldId: field['field-id'],
        name: field.name,
        transform,
      }
    }),
  }
}
