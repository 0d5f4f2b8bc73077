import type { FlatColumn } from '../../kernel/columns.ts'
import type { PrimitiveType } from '../schema.ts'
import { lowerStringBound, singleValue, upperStringBound } from '../single-value.ts'

/** Per column, by field id. Bounds are Iceberg's single-value binary form in base64. */
export interface FileMetrics {
  readonly recordCount: number
  /** Compressed bytes. */
  readonly columnSizes: Readonly<Record<string, number>>
  /** Nulls and NaNs included. */
  readonly valueCounts: Readonly<Record<string, number>>
  readonly nullCounts: Readonly<Record<string, number>>
  /** Floating-point columns only. */
  readonly nanCounts: Readonly<Record<string, number>>
  readonly lowerBounds: Readonly<Record<string, string>>
  readonly upperBounds: Readonly<Record<string, string>>
  /** Where row groups start. */
  readonly splitOffsets: readonly number[]
}

/** Nulls, NaNs and bounds of one column. No bound means that nothing may be concluded. */
export interface ColumnMetrics {
  readonly nulls: number
  readonly nans: number
  readonly lower?: Uint8Array
  readonly upper?: Uint8Array
}

/** Looks once at every value. */
export function measureColumn(
  type: PrimitiveType,
  column: FlatColumn,
  rows: number,
): ColumnMetrics {
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

/** How many of the first rows have no value. */
export function countNulls(nulls: Uint8Array | undefined, rows: number): number {
  if (!nulls) return 0
  let count = 0
  for (let row = 0; row < rows; row++) count += nulls[row]!
  return count
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
