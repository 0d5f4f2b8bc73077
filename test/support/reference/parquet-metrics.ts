import {
  type Column,
  type FlatColumn,
  type ListColumn,
  lengthOf,
  type StructColumn,
} from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type ColumnMetrics, countNulls } from '#lib/domain/lake/parquet/metrics.ts'
import { columnKind } from '#lib/domain/lake/parquet/parquet-schema.ts'
import {
  elementOf,
  type PrimitiveType,
  type TableField,
  typeText,
} from '#lib/domain/lake/schema.ts'
import { lowerStringBound, singleValue, upperStringBound } from '#lib/domain/lake/single-value.ts'

/** A column that holds values: one chunk of a Parquet file. */
export interface Leaf {
  readonly id: number
  readonly type: PrimitiveType
  /** Absent inside of a list: a row has any number of values there, and nothing is concluded from them. */
  readonly metrics?: ColumnMetrics
}

/**
 * The leaves of a field in the order of the file, measured. Throws `lake.columnMismatch` if a column is not what the
 * field says, `lake.missingValue` for a null in a required one: of a struct's field, where the struct is there.
 */
export function measureLeaves(
  field: TableField,
  column: Column | undefined,
  rows: number,
): readonly Leaf[] {
  return measure(field, column, rows, 0, false)
}

function measure(
  field: TableField,
  column: Column | undefined,
  rows: number,
  missingParents: number,
  inList: boolean,
): readonly Leaf[] {
  const { id, type } = field
  expectKind(field, column, rows)
  const nulls = countNulls(column!.nulls, rows)
  if (field.required && nulls > missingParents) {
    throw new PlatformError('lake.missingValue', `null in required column ${field.name}`, {
      context: { field: field.name, nulls: nulls - missingParents },
    })
  }
  if (typeof type === 'string') {
    if (inList) return [{ id, type }]
    return [{ id, type, metrics: measureColumn(type, column as FlatColumn, rows) }]
  }
  if (type.type === 'struct') {
    const { fields } = column as StructColumn
    return type.fields.flatMap((child) =>
      measure(child, fields.get(child.name), rows, nulls, inList),
    )
  }
  const { offsets, elements } = column as ListColumn
  return measure(elementOf(type), elements, offsets[rows]!, 0, true)
}

function expectKind(field: TableField, column: Column | undefined, rows: number): void {
  const length = column && lengthOf(column)
  if (column?.kind === columnKind(field.type) && length! >= rows) return
  throw new PlatformError(
    'lake.columnMismatch',
    `column ${field.name} (${typeText(field.type)}) wants ${rows} values of ${columnKind(field.type)}, found ${
      column ? `${length} of ${column.kind}` : 'no such column'
    }`,
  )
}
/** Looks once at every value. */
function measureColumn(type: PrimitiveType, column: FlatColumn, rows: number): ColumnMetrics {
  const nulls = countNulls(column.nulls, rows)
  if (nulls === rows) return { nulls, nans: 0 }
  switch (column.kind) {
    case 'utf8': {
      const [low, high] = extremesOfText(column, rows)
      const upper = upperStringBound(high)
      return { nulls, nans: 0, lower: lowerStringBound(low), ...(upper && { upper }) }
    }
    case 'float64':
      return { nulls, ...measureDoubles(type, column.values, column.nulls, rows) }
    default: {
      const [low, high] = extremes<number | bigint>(column.values, column.nulls, rows)
      return {
        nulls,
        nans: 0,
        lower: singleValue(type, low),
        upper: singleValue(type, high),
      }
    }
  }
}

function extremes<Value extends number | bigint>(
  values: { readonly [row: number]: Value },
  nulls: Uint8Array | undefined,
  rows: number,
): [Value, Value] {
  let low: Value | undefined
  let high: Value | undefined
  for (let row = 0; row < rows; row++) {
    if (nulls && nulls[row] === 1) continue
    const value = values[row]!
    if (low === undefined || value < low) low = value
    if (high === undefined || value > high) high = value
  }
  return [low!, high!]
}

/** NaN has no place in the order, and zero no sign: the bounds are −0 below and +0 above, as Iceberg asks. */
function measureDoubles(
  type: PrimitiveType,
  values: Float64Array,
  nulls: Uint8Array | undefined,
  rows: number,
): Omit<ColumnMetrics, 'nulls'> {
  let nans = 0
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (let row = 0; row < rows; row++) {
    if (nulls && nulls[row] === 1) continue
    const value = values[row]!
    if (Number.isNaN(value)) nans++
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return { nans }
  return {
    nans,
    lower: singleValue(type, low === 0 ? -0 : low),
    upper: singleValue(type, high === 0 ? 0 : high),
  }
}

/** In UTF-8 order, which is code point order and not that of JavaScript's strings. */
function extremesOfText(
  column: Extract<FlatColumn, { kind: 'utf8' }>,
  rows: number,
): [Uint8Array, Uint8Array] {
  let low: Uint8Array | undefined
  let high: Uint8Array | undefined
  for (let row = 0; row < rows; row++) {
    if (column.nulls && column.nulls[row] === 1) continue
    const value = column.bytes.subarray(column.offsets[row], column.offsets[row + 1])
    if (low === undefined || Buffer.compare(value, low) < 0) low = value
    if (high === undefined || Buffer.compare(value, high) > 0) high = value
  }
  return [low!, high!]
}
