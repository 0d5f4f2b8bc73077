import { withSortOrder } from './evolve-layout.ts'
import { MAX_AGE_MS, MIN_SNAPSHOTS } from './expire-snapshots.ts'
import { partitionType } from './partition-type.ts'
import { allFields, type PartitionSpec, type TableSchema } from './schema.ts'
import { type SortOrder, UNSORTED_ID } from './sort-order.ts'
import type { TableMetadata } from './table-metadata.ts'

const FIRST_PARTITION_ID = 1000

/**
 * Every commit writes the metadata anew with all snapshots in it: at a commit every few seconds Iceberg's own five days
 * of them are more than a catalog takes.
 */
const DEFAULT_PROPERTIES: Readonly<Record<string, string>> = {
  'write.parquet.compression-codec': 'zstd',
  [MIN_SNAPSHOTS]: '50',
  [MAX_AGE_MS]: String(5 * 60_000),
}

export interface NewTable {
  /** `s3://bucket/prefix` */
  readonly location: string
  readonly schema: TableSchema
  readonly spec: PartitionSpec
  /** Of the rows of new files. @default none */
  readonly sortOrder?: SortOrder
  readonly properties?: Readonly<Record<string, string>>
}

/** The metadata of a table without snapshots. Throws `lake.unsupportedPartition` or `lake.unsupportedSortOrder`. */
export function newTableMetadata(create: NewTable, uuid: string, nowMs: number): TableMetadata {
  const { schema, spec, sortOrder, location, properties = {} } = create
  for (const field of spec.fields) partitionType(schema, field)
  const metadata: TableMetadata = {
    'format-version': 2,
    'table-uuid': uuid,
    location,
    'last-sequence-number': 0,
    'last-updated-ms': nowMs,
    'last-column-id': Math.max(0, ...allFields(schema.fields).map(({ id }) => id)),
    'current-schema-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: schema.fields }],
    'default-spec-id': 0,
    'partition-specs': [
      {
        'spec-id': 0,
        fields: spec.fields.map(({ sourceId, fieldId, name, transform }) => ({
          'source-id': sourceId,
          'field-id': fieldId,
          name,
          transform,
        })),
      },
    ],
    'last-partition-id': Math.max(
      FIRST_PARTITION_ID - 1,
      ...spec.fields.map(({ fieldId }) => fieldId),
    ),
    'default-sort-order-id': UNSORTED_ID,
    'sort-orders': [{ 'order-id': UNSORTED_ID, fields: [] }],
    properties: { ...DEFAULT_PROPERTIES, ...properties },
    snapshots: [],
    refs: {},
    'snapshot-log': [],
    'metadata-log': [],
  }
  return sortOrder ? withSortOrder(metadata, sortOrder) : metadata
}
