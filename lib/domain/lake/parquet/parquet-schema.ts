import type { SchemaElement } from 'hyparquet'
import type { Column, FlatColumn } from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import {
  decimalOf,
  elementOf,
  type IcebergType,
  type PrimitiveType,
  type TableField,
} from '../schema.ts'

/** The kind of column that holds values of this type. */
export function columnKind(type: IcebergType): Column['kind'] {
  if (typeof type !== 'string') return type.type
  switch (type) {
    case 'int':
    case 'date':
      return 'int32'
    case 'double':
      return 'float64'
    case 'boolean':
      return 'boolean'
    case 'string':
      return 'utf8'
    default:
      return 'int64'
  }
}

/**
 * The Parquet columns of a field (table spec, appendix A), each before what is nested in it; the ids are what Iceberg
 * readers look for. A list is a group of a repeated group of its element.
 */
export function parquetElements(field: TableField): readonly SchemaElement[] {
  const { name, id, required, type } = field
  const head = { name, repetition_type: required ? 'REQUIRED' : 'OPTIONAL', field_id: id } as const
  if (typeof type === 'string') return [{ ...head, ...physicalType(type) }]
  if (type.type === 'struct') {
    return [{ ...head, num_children: type.fields.length }, ...type.fields.flatMap(parquetElements)]
  }
  return [
    { ...head, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
    { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
    ...parquetElements(elementOf(type)),
  ]
}

function physicalType(type: PrimitiveType): Partial<SchemaElement> {
  switch (type) {
    case 'int':
      return { type: 'INT32' }
    case 'long':
      return { type: 'INT64' }
    case 'double':
      return { type: 'DOUBLE' }
    case 'boolean':
      return { type: 'BOOLEAN' }
    case 'string':
      return { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }
    case 'date':
      return { type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }
    case 'timestamptz':
      return {
        type: 'INT64',
        converted_type: 'TIMESTAMP_MICROS',
        logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
      }
    default: {
      const { precision, scale } = decimalOf(type)!
      return {
        type: precision <= 9 ? 'INT32' : 'INT64',
        converted_type: 'DECIMAL',
        logical_type: { type: 'DECIMAL', precision, scale },
        precision,
        scale,
      }
    }
  }
}

/** How to read a column of a file: the kind it becomes, and what its integers are multiplied with. */
export interface ReadAs {
  readonly kind: FlatColumn['kind']
  readonly factor?: bigint
}

/**
 * The exact reading of a column, or `lake.unsupportedColumn`: what would need rounding (nanoseconds, more
 * than 64 bits) is refused.
 */
export function readAs(element: SchemaElement): ReadAs {
  const { type, converted_type: converted, logical_type: logical } = element
  const decimal = converted === 'DECIMAL' || logical?.type === 'DECIMAL'
  switch (type) {
    case 'BOOLEAN':
      return { kind: 'boolean' }
    case 'FLOAT':
    case 'DOUBLE':
      return { kind: 'float64' }
    case 'INT32':
      if (decimal) return { kind: 'int64' }
      if (converted !== 'UINT_32' && converted !== 'TIME_MILLIS') return { kind: 'int32' }
      break
    case 'INT64':
      if (logical?.type === 'TIMESTAMP') {
        if (logical.unit === 'MICROS') return { kind: 'int64' }
        if (logical.unit === 'MILLIS') return { kind: 'int64', factor: 1000n }
        break
      }
      if (converted === 'TIMESTAMP_MILLIS') return { kind: 'int64', factor: 1000n }
      if (converted !== 'UINT_64' && converted !== 'TIME_MICROS') return { kind: 'int64' }
      break
    case 'BYTE_ARRAY':
      return { kind: decimal ? 'int64' : 'utf8' }
    case 'FIXED_LEN_BYTE_ARRAY':
      if (decimal && (element.precision ?? 99) <= 18) return { kind: 'int64' }
      break
  }
  throw new PlatformError(
    'lake.unsupportedColumn',
    `cannot read column ${element.name} exactly: ${type} ${converted ?? logical?.type ?? ''}`,
  )
}
