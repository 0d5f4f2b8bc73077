import type { AvroSchema, CodeNames } from './avro.ts'
import { decimalOf, type PrimitiveType } from './schema.ts'
import { decimalSize } from './single-value.ts'

/** A field of Iceberg's own Avro records: its id, its name in files; in code the name in camel case. */
const field = (id: number, name: string, type: AvroSchema) => ({ name, type, 'field-id': id })
const optional = (id: number, name: string, type: AvroSchema) => ({
  ...field(id, name, ['null', type]),
  default: null,
})

/** Avro has only string keys, so Iceberg writes a map by field id as an array of pairs. */
const mapOf = (keyId: number, valueId: number, value: string): AvroSchema => ({
  type: 'array',
  logicalType: 'map',
  items: {
    type: 'record',
    name: `k${keyId}_v${valueId}`,
    fields: [field(keyId, 'key', 'int'), field(valueId, 'value', value)],
  },
})

/** One manifest in a manifest list (table spec, "Manifest Lists"). */
export const MANIFEST_FILE: AvroSchema = {
  type: 'record',
  name: 'manifest_file',
  fields: [
    field(500, 'manifest_path', 'string'),
    field(501, 'manifest_length', 'long'),
    field(502, 'partition_spec_id', 'int'),
    field(517, 'content', 'int'),
    field(515, 'sequence_number', 'long'),
    field(516, 'min_sequence_number', 'long'),
    field(503, 'added_snapshot_id', 'long'),
    field(504, 'added_files_count', 'int'),
    field(505, 'existing_files_count', 'int'),
    field(506, 'deleted_files_count', 'int'),
    field(512, 'added_rows_count', 'long'),
    field(513, 'existing_rows_count', 'long'),
    field(514, 'deleted_rows_count', 'long'),
    optional(507, 'partitions', {
      type: 'array',
      'element-id': 508,
      items: {
        type: 'record',
        name: 'r508',
        fields: [
          field(509, 'contains_null', 'boolean'),
          optional(518, 'contains_nan', 'boolean'),
          optional(510, 'lower_bound', 'bytes'),
          optional(511, 'upper_bound', 'bytes'),
        ],
      },
    }),
    optional(519, 'key_metadata', 'bytes'),
  ],
}

export interface PartitionColumn {
  readonly fieldId: number
  readonly name: string
  readonly type: PrimitiveType
}

/** The record of a file's partition values, which follows the table's spec. */
export function partitionRecord(partition: readonly PartitionColumn[]): AvroSchema {
  return {
    type: 'record',
    name: 'r102',
    fields: partition.map(({ fieldId, name, type }) =>
      optional(fieldId, avroName(name), avroType(type)),
    ),
  }
}

/** The id of the partition's record in a data file. */
export const PARTITION_ID = 102

/** Whether a manifest is of data files, or of files that delete rows. */
export type ManifestContent = 'data' | 'deletes'

/** One file in a manifest (table spec, "Manifests"), with its {@link partitionRecord}. */
export function manifestEntry(
  partition: AvroSchema,
  content: ManifestContent = 'data',
): AvroSchema {
  return {
    type: 'record',
    name: 'manifest_entry',
    fields: [
      field(0, 'status', 'int'),
      optional(1, 'snapshot_id', 'long'),
      optional(3, 'sequence_number', 'long'),
      optional(4, 'file_sequence_number', 'long'),
      field(2, 'data_file', {
        type: 'record',
        name: 'r2',
        fields: [
          field(134, 'content', 'int'),
          field(100, 'file_path', 'string'),
          field(101, 'file_format', 'string'),
          field(PARTITION_ID, 'partition', partition),
          field(103, 'record_count', 'long'),
          field(104, 'file_size_in_bytes', 'long'),
          optional(108, 'column_sizes', mapOf(117, 118, 'long')),
          optional(109, 'value_counts', mapOf(119, 120, 'long')),
          optional(110, 'null_value_counts', mapOf(121, 122, 'long')),
          optional(137, 'nan_value_counts', mapOf(138, 139, 'long')),
          optional(125, 'lower_bounds', mapOf(126, 127, 'bytes')),
          optional(128, 'upper_bounds', mapOf(129, 130, 'bytes')),
          optional(131, 'key_metadata', 'bytes'),
          optional(132, 'split_offsets', { type: 'array', items: 'long', 'element-id': 133 }),
          optional(135, 'equality_ids', { type: 'array', items: 'int', 'element-id': 136 }),
          optional(140, 'sort_order_id', 'int'),
          ...(content === 'deletes' ? [optional(143, 'referenced_data_file', 'string')] : []),
        ],
      }),
    ],
  }
}

function avroType(type: PrimitiveType): AvroSchema {
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' }
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true }
    default: {
      const decimal = decimalOf(type)
      if (!decimal) return type
      const name = `decimal_${decimal.precision}_${decimal.scale}`
      return { type: 'fixed', name, size: decimalSize(type), logicalType: 'decimal', ...decimal }
    }
  }
}

/** A column name as Avro allows it, written the way Iceberg's own library does. */
function avroName(name: string): string {
  const safe = name.replace(
    /[^A-Za-z0-9_]/g,
    (char) => `_x${char.codePointAt(0)!.toString(16).toUpperCase()}`,
  )
  return /^\d/.test(safe) ? `_${safe}` : safe
}

const KNOWN_IDS = idsIn([MANIFEST_FILE, manifestEntry(partitionRecord([]), 'deletes')])

/** The first id that Iceberg gives to partition fields. */
const FIRST_PARTITION_ID = 1000

/** Partition fields by id (`p1000`), Iceberg's own fields in camel case, whatever a writer called them. */
export const codeNames: CodeNames = (id, name) =>
  id >= FIRST_PARTITION_ID ? partitionKey(id) : (KNOWN_IDS.get(id) ?? name)

export function partitionKey(fieldId: number): string {
  return `p${fieldId}`
}

function idsIn(schema: unknown, found = new Map<number, string>()): Map<number, string> {
  if (typeof schema !== 'object' || schema === null) return found
  const { 'field-id': id, name } = schema as { 'field-id'?: number; name?: string }
  if (id !== undefined && name !== undefined) found.set(id, camelCase(name))
  for (const part of Object.values(schema)) idsIn(part, found)
  return found
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
