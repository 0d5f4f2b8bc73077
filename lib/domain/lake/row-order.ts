import { type ColumnBatch, type FlatColumn, isNull } from '../kernel/columns.ts'
import { PlatformError } from '../kernel/errors.ts'
import { scalarAt } from './scalar-at.ts'
import { fieldById, type PrimitiveType, type TableSchema } from './schema.ts'
import type { SortField, SortOrder } from './sort-order.ts'
import { transformed } from './transform.ts'

/** What a row is compared by: text as its UTF-8, whose order is Iceberg's and not that of JavaScript's strings. */
type Key = number | bigint | Uint8Array | null

/** The positions of the rows in this order; rows that it does not tell apart stay as they are. */
export function rowsInOrder(schema: TableSchema, order: SortOrder, batch: ColumnBatch): Int32Array {
  const rows = Int32Array.from({ length: batch.rows }, (_, row) => row)
  const columns = order.fields.map((field) => ({
    compare: comparison(field),
    keys: keysOf(schema, field, batch),
  }))
  return rows.sort((left, right) => {
    for (const { compare, keys } of columns) {
      const difference = compare(keys[left]!, keys[right]!)
      if (difference !== 0) return difference
    }
    return left - right
  })
}

function keysOf(schema: TableSchema, field: SortField, batch: ColumnBatch): readonly Key[] {
  const { name, type } = fieldById(schema, field.sourceId)
  // Only primitive types have an order, which the table has seen to.
  const column = batch.columns.get(name) as FlatColumn | undefined
  if (!column) throw new PlatformError('lake.columnMismatch', `the batch has no column ${name}`)
  return Array.from({ length: batch.rows }, (_, row) => {
    if (isNull(column, row)) return null
    const value = transformed(field.transform, type as PrimitiveType, scalarAt(column, row))
    if (typeof value === 'string') return Buffer.from(value)
    return typeof value === 'boolean' ? Number(value) : value
  })
}

function comparison({ direction, nulls }: SortField): (left: Key, right: Key) => number {
  const sign = direction === 'asc' ? 1 : -1
  const ofNull = nulls === 'first' ? -1 : 1
  return (left, right) => {
    if (left === null || right === null) {
      return left === right ? 0 : left === null ? ofNull : -ofNull
    }
    return sign * compare(left, right)
  }
}

function compare(left: Exclude<Key, null>, right: Exclude<Key, null>): number {
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return Buffer.compare(left as Uint8Array, right as Uint8Array)
  }
  if (left < right) return -1
  if (left > right) return 1
  // Two zeros, or a NaN, which comes after all others.
  return rank(left) - rank(right)
}

function rank(value: number | bigint): number {
  if (Number.isNaN(value)) return 1
  return Object.is(value, -0) ? -1 : 0
}
