import { PlatformError } from '../kernel/errors.ts'
import type { Transform } from './transform.ts'

/** The types that Weir writes. Decimals have at most 18 digits, so that a value is one 64-bit integer. */
export type PrimitiveType =
  | 'int'
  | 'long'
  | 'double'
  | 'boolean'
  | 'string'
  | 'date'
  | 'timestamptz'
  | `decimal(${number}, ${number})`

/** A column of columns, in Iceberg's own words. */
export interface StructType {
  readonly type: 'struct'
  readonly fields: readonly TableField[]
}

export interface ListType {
  readonly type: 'list'
  readonly 'element-id': number
  readonly element: IcebergType
  readonly 'element-required': boolean
}

export type IcebergType = PrimitiveType | StructType | ListType

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
  readonly transform: Transform
}

export interface PartitionSpec {
  /** Empty: the table is not partitioned. */
  readonly fields: readonly PartitionField[]
}

/** A list's element as a field of its own, which is what it is to Iceberg. */
export function elementOf(list: ListType): TableField {
  return {
    id: list['element-id'],
    name: 'element',
    required: list['element-required'],
    type: list.element,
  }
}

/** What a nested type is made of; nothing for a primitive one. */
export function childrenOf(type: IcebergType): readonly TableField[] {
  if (typeof type === 'string') return []
  return type.type === 'struct' ? type.fields : [elementOf(type)]
}

/** The fields and all that is nested in them, each before what it holds. */
export function allFields(fields: readonly TableField[]): readonly TableField[] {
  return fields.flatMap((field) => [field, ...allFields(childrenOf(field.type))])
}

/** A type as people read it: `list<struct<sku: string, quantity: int>>`. */
export function typeText(type: IcebergType): string {
  if (typeof type === 'string') return type
  if (type.type === 'list') return `list<${typeText(type.element)}>`
  return `struct<${type.fields.map((field) => `${field.name}: ${typeText(field.type)}`).join(', ')}>`
}

/** Precision and scale if the type is a decimal. */
export function decimalOf(type: IcebergType): { precision: number; scale: number } | undefined {
  if (typeof type !== 'string') return undefined
  const match = /^decimal\((\d+),\s*(\d+)\)$/.exec(type)
  return match ? { precision: Number(match[1]), scale: Number(match[2]) } : undefined
}

/** Whether Weir can write and read a column of this type, which holds no other columns. */
export function isPrimitiveType(type: unknown): type is PrimitiveType {
  if (typeof type !== 'string') return false
  const decimal = decimalOf(type as PrimitiveType)
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
