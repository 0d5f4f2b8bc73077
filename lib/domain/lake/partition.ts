import { type ColumnBatch, type FlatColumn, isNull, utf8At } from '../kernel/columns.ts'
import { PlatformError } from '../kernel/errors.ts'
import type { PartitionValue } from './data-file.ts'
import {
  fieldById,
  type PartitionField,
  type PartitionSpec,
  partitionType,
  type TableSchema,
} from './schema.ts'

const MICROS_PER_DAY = 86_400_000_000n
const MS_PER_DAY = 86_400_000

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
  const toDay = field.transform === 'day'
  return {
    name: field.name,
    keys: (): ((row: number) => Key) => {
      const keyOf = toDay ? dayKeys(column) : plainKeys(column)
      return column.nulls === undefined ? keyOf : (row) => (isNull(column, row) ? null : keyOf(row))
    },
    valueAt: (row: number): PartitionValue =>
      isNull(column, row) ? null : toDay ? dayAt(column, row) : plainAt(column, row),
    textOf: (value: PartitionValue): string =>
      value === null
        ? 'null'
        : encodeURIComponent(type === 'date' ? isoDate(value) : String(value)),
  }
}

/** Days since the epoch, rounded down also before it. */
function dayAt(column: FlatColumn, row: number): number {
  if (column.kind === 'int32') return column.values[row]!
  const micros = (column as Extract<FlatColumn, { kind: 'int64' }>).values[row]!
  const days = micros / MICROS_PER_DAY
  return Number(micros % MICROS_PER_DAY < 0n ? days - 1n : days)
}

/** {@link dayAt} without a 64-bit value as an object, as far as a double is exact. */
function dayKeys(column: FlatColumn): (row: number) => number {
  if (column.kind !== 'int64') return (row) => dayAt(column, row)
  const { buffer, byteOffset, length } = column.values
  const halves = new Int32Array(buffer, byteOffset, 2 * length)
  const microsPerDay = Number(MICROS_PER_DAY)
  return (row) => {
    const micros = halves[2 * row + 1]! * 2 ** 32 + (halves[2 * row]! >>> 0)
    if (!Number.isSafeInteger(micros)) return dayAt(column, row)
    // The quotient may be rounded up to a whole number: the remainder is exact.
    const days = Math.floor(micros / microsPerDay)
    return micros < days * microsPerDay ? days - 1 : days
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

function plainAt(column: FlatColumn, row: number): PartitionValue {
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'boolean':
      return column.values[row] === 1
    case 'int64':
      return String(column.values[row])
    default:
      return column.values[row]!
  }
}

function isoDate(days: PartitionValue): string {
  return new Date((days as number) * MS_PER_DAY).toISOString().slice(0, 10)
}
