import type { Statistics } from 'hyparquet'
import type { FlatColumn } from '../../kernel/columns.ts'
import { type Extremes, valueAt } from './metrics.ts'

/** What the footer of the file says of a chunk's values; as in Iceberg's metrics, zero is −0 below and +0 above. */
export function chunkStatistics(
  column: FlatColumn,
  { nulls, nans, least, greatest }: Extremes,
): Statistics & { readonly nan_count?: bigint } {
  return {
    ...(least === undefined ? {} : { min_value: signed(valueAt(column, least), -0) }),
    ...(greatest === undefined ? {} : { max_value: signed(valueAt(column, greatest), 0) }),
    null_count: BigInt(nulls),
    ...(column.kind === 'float64' ? { nan_count: BigInt(nans) } : {}),
  }
}

function signed<Value>(value: Value, zero: number): Value | number {
  return value === 0 ? zero : value
}
