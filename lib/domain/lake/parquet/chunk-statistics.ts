import { lowerStringBound, upperStringBound } from '../single-value.ts'
import type { DenseValues } from './dense-values.ts'
import { type Comparable, type Extremes, valueAt } from './extremes.ts'

/** What is known of the values of a column, or of its part in a row group. */
export interface ValueRange {
  /** Entries without a value. */
  readonly nulls: number
  readonly nans: number
  /** Absent where nothing can be compared. Zero is −0 below and +0 above, since it has no sign in the order. */
  readonly min?: Comparable
  readonly max?: Comparable
}

export function valueRange(values: DenseValues, extremes: Extremes, nulls: number): ValueRange {
  const { nans, least, greatest } = extremes
  if (least === undefined || greatest === undefined) return { nulls, nans }
  const [min, max] = [valueAt(values, least), valueAt(values, greatest)]
  return { nulls, nans, min: min === 0 ? -0 : min, max: max === 0 ? 0 : max }
}

/** A bound as the footer holds it, and whether a row has that very value. */
export interface StatisticsBound {
  readonly bytes: Uint8Array
  readonly isExact: boolean
}

/** Longest text in the footer, in code points. */
const LONGEST_TEXT = 64

export function lowerBound(kind: DenseValues['kind'], min: Comparable): StatisticsBound {
  if (!(min instanceof Uint8Array)) return { bytes: plainBytes(kind, min), isExact: true }
  const bytes = lowerStringBound(min, LONGEST_TEXT)
  return { bytes, isExact: bytes.length === min.length }
}

/** Undefined where nothing short is above the value. */
export function upperBound(
  kind: DenseValues['kind'],
  max: Comparable,
): StatisticsBound | undefined {
  if (!(max instanceof Uint8Array)) return { bytes: plainBytes(kind, max), isExact: true }
  const bytes = upperStringBound(max, LONGEST_TEXT)
  return bytes && { bytes, isExact: bytes === max }
}

function plainBytes(kind: DenseValues['kind'], value: number | bigint | boolean): Uint8Array {
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0)
  const bytes = new Uint8Array(kind === 'int32' ? 4 : 8)
  const view = new DataView(bytes.buffer)
  if (typeof value === 'bigint') view.setBigInt64(0, value, true)
  else if (kind === 'int32') view.setInt32(0, value, true)
  else view.setFloat64(0, value, true)
  return bytes
}
