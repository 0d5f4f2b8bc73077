import { PlatformError } from '../kernel/errors.ts'

/** The types that Weir writes. Decimals have at most 18 digits, so that a value is one 64-bit integer. */
export type IcebergType =
  | 'int'
  | 'long'
  | 'double'
  | 'boolean'
  | 'string'
  | 'date'
  | 'timestamptz'
  | `decimal(${number}, ${number})`

export interface TableField {
  /** Stable for the life of the table: readers find a column by it, never by name. */
  readonly id: number
  readonly name: string
  readonly required: boolean
  readonly type: IcebergType
  readonly doc?: string
}

export interface TableSchema {
  readonly fields: readonly TableField[]
}

export interface PartitionField {
  readonly sourceId: number
  /** From 1000 up, stable like a column's id. */
  readonly fieldId: number
  readonly name: string
  readonly transform: 'identity' | 'day'
}

export interface PartitionSpec {
  /** Empty: the table is not partitioned. */
  readonly fields: readonly PartitionField[]
}

/** Precision and scale if the type is a decimal. */
export function decimalOf(type: string): { precision: number; scale: number } | undefined {
  const match = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined
}

/** Whether Weir can write and read a column of this type. */
export function isIcebergType(type: unknown): type is IcebergType {
  if (typeof type !== 'string') return false
  const decimal = decimalOf(type)
  if (decimal) {
    return decimal.precision >= 1 && decimal.precision <= 18 && decimal.scale <= decimal.precision
  }
  return ['int', 'long', 'double', 'boolean', 'string', 'date', 'timestamptz'].includes(type)
}

/** The field with this id. Throws `lake.unknownField`. */
export function fieldById(schema: TableSchema, id: number): TableField {
  const field = schema.fields.find((candidate) => candidate.id === id)
  if (field) return field
  throw new PlatformError('lake.unknownField', `the schema has no field with id ${id}`)
}

/** The type of a partition value: a day is a date, whatever it was taken from. */
export function partitionType(schema: TableSchema, field: PartitionField): IcebergType {
  const source = fieldById(schema, field.sourceId)
  if (field.transform === 'identity' && source.type !== 'double') return source.type
  if (field.transform === 'day' && (source.type === 'timestamptz' || source.type === 'date')) {
    return 'date'
  }
  throw new PlatformError(
    'lake.unsupportedPartition',
    `cannot partition by ${field.transform} of a ${source.type} (field ${source.name})`,
  )
}
