import type {
  IcebergType,
  PartitionSpec,
  TableField,
  TableSchema,
} from '#lib/domain/lake/schema.ts'
import type { Contract, Field, FieldType } from './contract.ts'
import { storedForm } from './stored-form.ts'
import { majorOf } from './version.ts'

/** Weir's own columns, in front of every table: where each row came from. */
export const SYSTEM_COLUMNS: readonly TableField[] = [
  {
    id: 1,
    name: 'event_id',
    required: true,
    type: 'string',
    doc: 'CloudEvents id; with event_source the identity of the event',
  },
  {
    id: 2,
    name: 'event_source',
    required: true,
    type: 'string',
    doc: 'CloudEvents source',
  },
  {
    id: 3,
    name: 'ingest_time',
    required: true,
    type: 'timestamptz',
    doc: 'arrival of the record in the stream',
  },
  {
    id: 4,
    name: 'ingest_shard',
    required: true,
    type: 'string',
    doc: 'shard of the stream',
  },
  {
    id: 5,
    name: 'ingest_sequence',
    required: true,
    type: 'string',
    doc: 'sequence number, 3-digit length in front: text order is position order',
  },
  {
    id: 6,
    name: 'ingest_index',
    required: true,
    type: 'int',
    doc: 'position inside the record',
  },
]

/** The table of a contract: versions of one major share it. The first major's has the product's own name. */
export function tableNameOf({ product, version }: Pick<Contract, 'product' | 'version'>): string {
  const major = majorOf(version)
  return major === 1 ? product : `${product}_v${major}`
}

/** The table of the newest change of each row, beside a table of changes. */
export function latestTableName(contract: Pick<Contract, 'product' | 'version'>): string {
  return `${tableNameOf(contract)}_latest`
}

/** The curated table of a contract: Weir's own columns, then the contract's fields as they are stored, in document order. */
export function tableSchemaOf(contract: Contract): TableSchema {
  return { fields: [...SYSTEM_COLUMNS, ...storedForm(contract).fields.map(tableField)] }
}

function tableField(field: Field): TableField {
  return {
    id: field.id,
    name: field.name,
    required: field.required,
    type: icebergType(field.type),
    ...(field.description === '' ? {} : { doc: field.description }),
  }
}

/** Partition field ids start at 1000, as Iceberg reserves them; a day partition is `<field>_day`. */
export function partitionSpecOf(contract: Contract): PartitionSpec {
  const ids = new Map(contract.fields.map((field) => [field.name, field.id]))
  const fields = contract.partitioning.map(({ field, transform }, position) => ({
    sourceId: ids.get(field)!,
    fieldId: 1000 + position,
    name: transform === 'day' ? `${field}_day` : field,
    transform,
  }))
  return { fields }
}

/** How a contract's type is kept in a table. */
export function icebergType(type: FieldType): IcebergType {
  switch (type.kind) {
    case 'timestamp':
      return 'timestamptz'
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'time':
      // Athena has no type for Iceberg's time.
      return 'string'
    case 'struct':
      return { type: 'struct', fields: type.fields.map(tableField) }
    case 'list': {
      const { id, required, type: element } = type.element
      return {
        type: 'list',
        'element-id': id,
        element: icebergType(element),
        'element-required': required,
      }
    }
    default:
      return type.kind
  }
}
