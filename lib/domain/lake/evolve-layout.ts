import { PlatformError } from '../kernel/errors.ts'
import { partitionType } from './partition-type.ts'
import type { PartitionField, TableSchema } from './schema.ts'
import { type SortOrder, sortOrderJson, UNSORTED_ID } from './sort-order.ts'
import {
  currentSchemaJson,
  type PartitionSpecJson,
  type TableMetadata,
  tableSchema,
} from './table-metadata.ts'

export type NewPartitionField = Omit<PartitionField, 'fieldId'>

/**
 * The metadata with new files parted by these fields; the same metadata if they are already. Files that are there stay
 * where they are, and readers look for each by the spec that it was written with. A commit takes files of either: of
 * the spec that has just their partition names.
 *
 * Throws `lake.unsupportedPartition` for what cannot be a partition or is named misleadingly.
 */
export function withPartitioning(
  base: TableMetadata,
  fields: readonly NewPartitionField[],
): TableMetadata {
  const schema = tableSchema(currentSchemaJson(base))
  const specs = base['partition-specs']
  let lastId = base['last-partition-id']
  const wanted = fields.map(({ sourceId, transform, name }) => {
    const known = specs
      .flatMap((spec) => spec.fields)
      .find((field) => field['source-id'] === sourceId && field.transform === transform)
    // The same value under the same id, so that one filter fits files of both specs.
    const fieldId = known?.['field-id'] ?? ++lastId
    const field = { sourceId, fieldId, name, transform }
    partitionType(schema, field)
    refuseName(field, schema, specs)
    return { 'source-id': sourceId, 'field-id': fieldId, name, transform }
  })
  if (new Set(fields.map(({ name }) => name)).size < fields.length) {
    throw unsupported('a partition name stands for two fields')
  }
  const same = specs.find((spec) => isSame(spec.fields, wanted))
  if (same) {
    const id = same['spec-id']
    return id === base['default-spec-id'] ? base : { ...base, 'default-spec-id': id }
  }
  const specId = Math.max(...specs.map((spec) => spec['spec-id'])) + 1
  return {
    ...base,
    'default-spec-id': specId,
    'partition-specs': [...specs, { 'spec-id': specId, fields: wanted }],
    'last-partition-id': lastId,
  }
}

/** The metadata with this order for rows of new files; the same metadata if it is that already. */
export function withSortOrder(base: TableMetadata, order: SortOrder): TableMetadata {
  const orders = base['sort-orders']
  const schema = tableSchema(currentSchemaJson(base))
  const { fields } = sortOrderJson(UNSORTED_ID, order, schema)
  const same = orders.find((known) => JSON.stringify(known.fields) === JSON.stringify(fields))
  if (same) {
    const id = same['order-id']
    return id === base['default-sort-order-id'] ? base : { ...base, 'default-sort-order-id': id }
  }
  const newest = Math.max(UNSORTED_ID, ...orders.map((known) => known['order-id']))
  const id = fields.length === 0 ? UNSORTED_ID : newest + 1
  return {
    ...base,
    'default-sort-order-id': id,
    'sort-orders': [...orders, { 'order-id': id, fields }],
  }
}

/** A file tells its spec by its partition names, so a name must not mean two things over time. */
function refuseName(
  { name, sourceId, transform }: PartitionField,
  schema: TableSchema,
  specs: readonly PartitionSpecJson[],
): void {
  const column = schema.fields.find((field) => field.name === name)
  if (column && !(column.id === sourceId && transform === 'identity')) {
    throw unsupported(`partition ${name} has the name of a column that it is not`)
  }
  for (const field of specs.flatMap((spec) => spec.fields)) {
    const isOther = field['source-id'] !== sourceId || field.transform !== transform
    if (field.name === name && isOther) {
      throw unsupported(`partition ${name} meant ${field.transform} of another field before`)
    }
  }
}

function isSame(left: PartitionSpecJson['fields'], right: PartitionSpecJson['fields']): boolean {
  const keys = (fields: PartitionSpecJson['fields']) =>
    JSON.stringify(fields.map((field) => [field['field-id'], field.name]))
  return keys(left) === keys(right)
}

function unsupported(message: string): PlatformError {
  return new PlatformError('lake.unsupportedPartition', message)
}
