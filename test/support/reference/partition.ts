import { type ColumnBatch, type FlatColumn, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { PartitionValue } from '#lib/domain/lake/data-file.ts'
import { partitionType } from '#lib/domain/lake/partition-type.ts'
import {
  fieldById,
  type PartitionField,
  type PartitionSpec,
  type TableSchema,
} from '#lib/domain/lake/schema.ts'

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
  const groups = new Map<string, PartitionedRows>()
  for (let row = 0; row < batch.rows; row++) {
    const values = fields.map((field) => field.valueAt(row))
    const key = JSON.stringify(values)
    let group = groups.get(key)
    if (!group) {
      group = {
        partition: Object.fromEntries(fields.map(({ name }, at) => [name, values[at]!])),
        path: fields.map((field, at) => `${field.name}=${field.textOf(values[at]!)}`).join('/'),
        rows: [],
      }
      groups.set(key, group)
    }
    group.rows.push(row)
  }
  return [...groups]
    .sort(([a, { path: left }], [b, { path: right }]) =>
      left === right ? compare(a, b) : compare(left, right),
    )
    .map(([, group]) => group)
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
