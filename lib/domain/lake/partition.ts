import { type ColumnBatch, type FlatColumn, isNull, utf8At } from '../kernel/columns.ts'
import { PlatformError } from '../kernel/errors.ts'
import type { PartitionValue } from './data-file.ts'
import { partitionType } from './partition-type.ts'
import { partitionText, partitionValue } from './partition-value.ts'
import { scalarAt } from './scalar-at.ts'
import {
  fieldById,
  type PartitionField,
  type PartitionSpec,
  type PrimitiveType,
  type TableSchema,
} from './schema.ts'
import type { ScalarValue } from './single-value.ts'
import { daysOf, type Transform, transformed } from './transform.ts'

const MICROS_PER_DAY = 86_400_000_000

/** Rows of a batch that belong into one file. */
export interface PartitionedRows {
  readonly partition: Record<string, PartitionValue>
  /** `dropoff_datetime_day=2019-01-03`, values URL-encoded; empty if the table is not partitioned. */
  readonly path: string
  /** Ascending. */
  readonly rows: number[]
}

/** Splits a batch by partition; in order of the paths, so that equal batches split equally. */
export function partitionRows(
  schema: TableSchema,
  spec: PartitionSpec,
  batch: ColumnBatch,
): readonly PartitionedRows[] {
  const fields = spec.fields.map((field) => partitioner(schema, field, batch))
  const groupOf = new Int32Array(batch.rows)
  for (const { keys } of fields) refine(groupOf, keys())
  const rowsOf: number[][] = []
  for (let row = 0; row < batch.rows; row++) {
    const rows = rowsOf[groupOf[row]!]
    if (rows === undefined) rowsOf[groupOf[row]!] = [row]
    else rows.push(row)
  }
  const groups = rowsOf.map((rows): [key: string, PartitionedRows] => {
    const values = fields.map((field) => field.valueAt(rows[0]!))
    const partition = Object.fromEntries(fields.map(({ name }, at) => [name, values[at]!]))
    const path = fields.map((field, at) => `${field.name}=${field.textOf(values[at]!)}`).join('/')
    return [JSON.stringify(values), { partition, path, rows }]
  })
  return groups
    .sort(([a, { path: left }], [b, { path: right }]) =>
      left === right ? compare(a, b) : compare(left, right),
    )
    .map(([, group]) => group)
}

/** What two rows must have in common to be in one group: equal for equal values, nothing else. */
type Key = number | string | bigint | null

/** Parts each group by the keys of its rows. Groups are numbered as they come. */
function refine(groupOf: Int32Array, keyOf: (row: number) => Key): void {
  const parts: Map<Key, number>[] = []
  let count = 0
  for (let row = 0; row < groupOf.length; row++) {
    const group = groupOf[row]!
    const key = keyOf(row)
    parts[group] ??= new Map()
    let part = parts[group].get(key)
    if (part === undefined) {
      part = count++
      parts[group].set(key, part)
    }
    groupOf[row] = part
  }
}

const compare = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)

function partitioner(schema: TableSchema, field: PartitionField, batch: ColumnBatch) {
  const source = fieldById(schema, field.sourceId)
  const type = partitionType(schema, field)
  // Only primitive types part a table, which `partitionType` has seen to.
  const column = batch.columns.get(source.name) as FlatColumn | undefined
  if (!column) {
    throw new PlatformError('lake.columnMismatch', `the batch has no column ${source.name}`)
  }
  const { transform } = field
  const at = (row: number) =>
    transformed(transform, source.type as PrimitiveType, scalarAt(column, row))
  return {
    name: field.name,
    keys: (): ((row: number) => Key) => {
      const keyOf = keysOf(transform, column, at)
      return column.nulls === undefined ? keyOf : (row) => (isNull(column, row) ? null : keyOf(row))
    },
    valueAt: (row: number): PartitionValue => {
      const value = isNull(column, row) ? null : at(row)
      return value === null ? null : partitionValue(value)
    },
    textOf: (value: PartitionValue): string =>
      encodeURIComponent(partitionText(transform, type, value)),
  }
}

/** The transform of each row, by a shorter way where there is one. */
function keysOf(
  transform: Transform,
  column: FlatColumn,
  at: (row: number) => ScalarValue | null,
): (row: number) => Key {
  if (transform === 'day') return dayKeys(column)
  if (transform === 'identity') return plainKeys(column)
  return (row) => {
    const value = at(row)
    return typeof value === 'boolean' ? Number(value) : value
  }
}

function dayAt(column: FlatColumn, row: number): number {
  return daysOf(scalarAt(column, row))
}

/** {@link dayAt} without a 64-bit value as an object, as far as a double is exact. */
function dayKeys(column: FlatColumn): (row: number) => number {
  if (column.kind !== 'int64') return (row) => dayAt(column, row)
  const { buffer, byteOffset, length } = column.values
  const halves = new Int32Array(buffer, byteOffset, 2 * length)
  return (row) => {
    const micros = halves[2 * row + 1]! * 2 ** 32 + (halves[2 * row]! >>> 0)
    if (!Number.isSafeInteger(micros)) return dayAt(column, row)
    // The quotient may be rounded up to a whole number: the remainder is exact.
    const days = Math.floor(micros / MICROS_PER_DAY)
    return micros < days * MICROS_PER_DAY ? days - 1 : days
  }
}

function plainKeys(column: FlatColumn): (row: number) => Key {
  if (column.kind !== 'utf8') return (row) => column.values[row]!
  const { bytes, offsets } = column
  let last = -1
  let text = ''
  return (row) => {
    // Rows of one value often stand together.
    if (last < 0 || !sameBytes(bytes, offsets, last, row)) text = utf8At(column, row)
    last = row
    return text
  }
}

function sameBytes(bytes: Uint8Array, offsets: Int32Array, left: number, right: number): boolean {
  const start = offsets[left]!
  const shift = offsets[right]! - start
  const end = offsets[left + 1]!
  if (offsets[right + 1]! - shift !== end) return false
  for (let at = start; at < end; at++) if (bytes[at] !== bytes[at + shift]) return false
  return true
}
