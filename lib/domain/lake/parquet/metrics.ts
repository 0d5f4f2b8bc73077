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

/** What was found by looking once at every value of a column. */
export interface Extremes {
  readonly nulls: number
  readonly nans: number
  /** Rows with the least and the greatest value; absent where nothing can be compared. */
  readonly least?: number
  readonly greatest?: number
}

export function extremesOf(column: FlatColumn, rows: number): Extremes {
  const nulls = countNulls(column.nulls, rows)
  if (nulls === rows) return { nulls, nans: 0 }
  const precedes = comparison(column)
  let nans = 0
  let least = -1
  let greatest = -1
  for (let row = 0; row < rows; row++) {
    if (column.nulls !== undefined && column.nulls[row] === 1) continue
    if (column.kind === 'float64' && Number.isNaN(column.values[row])) {
      nans++
      continue
    }
    if (least < 0 || precedes(row, least)) least = row
    if (greatest < 0 || precedes(greatest, row)) greatest = row
  }
  return least < 0 ? { nulls, nans } : { nulls, nans, least, greatest }
}

/** What Iceberg is told of a column. */
export function columnMetrics(
  type: PrimitiveType,
  column: FlatColumn,
  { nulls, nans, least, greatest }: Extremes,
): ColumnMetrics {
  if (least === undefined || greatest === undefined) return { nulls, nans }
  const [low, high] = [valueAt(column, least), valueAt(column, greatest)]
  if (low instanceof Uint8Array) {
    const upper = upperStringBound(high as Uint8Array)
    return { nulls, nans, lower: lowerStringBound(low), ...(upper && { upper }) }
  }
  // Zero has no sign in the order: the bounds are −0 below and +0 above, as Iceberg asks.
  return {
    nulls,
    nans,
    lower: singleValue(type, low === 0 ? -0 : low),
    upper: singleValue(type, (high as typeof low) === 0 ? 0 : (high as typeof low)),
  }
}

/** A value as it is compared: a text as its bytes. */
export function valueAt(column: FlatColumn, row: number): number | bigint | boolean | Uint8Array {
  switch (column.kind) {
    case 'utf8':
      return column.bytes.subarray(column.offsets[row], column.offsets[row + 1])
    case 'boolean':
      return column.values[row] === 1
    default:
      return column.values[row]!
  }
}

/** How many of the first rows have no value. */
export function countNulls(nulls: Uint8Array | undefined, rows: number): number {
  if (!nulls) return 0
  let count = 0
  for (let row = 0; row < rows; row++) count += nulls[row]!
  return count
}

/** Whether the value of one row comes before that of another. No value is made an object. */
function comparison(column: FlatColumn): (left: number, right: number) => boolean {
  switch (column.kind) {
    case 'utf8':
      return textComparison(column.bytes, column.offsets)
    case 'int64': {
      const { buffer, byteOffset, length } = column.values
      const words = new Int32Array(buffer, byteOffset, 2 * length)
      return (left, right) => {
        const [high, other] = [words[2 * left + 1]!, words[2 * right + 1]!]
        if (high !== other) return high < other
        return words[2 * left]! >>> 0 < words[2 * right]! >>> 0
      }
    }
    default: {
      const { values } = column
      return (left, right) => values[left]! < values[right]!
    }
  }
}

/** In UTF-8 order, which is code point order and not that of JavaScript's strings. */
function textComparison(
  bytes: Uint8Array,
  offsets: Int32Array,
): (left: number, right: number) => boolean {
  return (left, right) => {
    let at = offsets[left]!
    let other = offsets[right]!
    const end = offsets[left + 1]!
    const otherEnd = offsets[right + 1]!
    for (; at < end && other < otherEnd; at++, other++) {
      if (bytes[at] !== bytes[other]) return bytes[at]! < bytes[other]!
    }
    return at === end && other < otherEnd
  }
}
