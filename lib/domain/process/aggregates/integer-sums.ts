import type { Column } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { NO_GROUP, wordsOf } from './grouped-rows.ts'

/** So many 32-bit words add up exactly in a double. */
const ROWS_AT_ONCE = 2 ** 20
const WORD = 2n ** 32n

/** The exact sum of each group's values. */
export function integerSums(column: Column, groups: Int32Array, groupCount: number): bigint[] {
  const sums = new Array<bigint>(groupCount).fill(0n)
  for (let start = 0; start < groups.length; start += ROWS_AT_ONCE) {
    const end = Math.min(start + ROWS_AT_ONCE, groups.length)
    if (column.kind === 'int32') addInt32(sums, column.values, groups, start, end)
    else if (column.kind === 'int64') addInt64(sums, column.values, groups, start, end)
    else throw new PlatformError('view.invalid', `a ${column.kind} column has no integers to add`)
  }
  return sums
}

function addInt32(
  sums: bigint[],
  values: Int32Array,
  groups: Int32Array,
  start: number,
  end: number,
): void {
  const block = new Float64Array(sums.length)
  for (let row = start; row < end; row++) {
    const group = groups[row]!
    if (group !== NO_GROUP) block[group]! += values[row]!
  }
  for (let group = 0; group < block.length; group++) sums[group]! += BigInt(block[group]!)
}

function addInt64(
  sums: bigint[],
  values: BigInt64Array,
  groups: Int32Array,
  start: number,
  end: number,
): void {
  const { unsigned, signed } = wordsOf(values)
  const low = new Float64Array(sums.length)
  const high = new Float64Array(sums.length)
  for (let row = start; row < end; row++) {
    const group = groups[row]!
    if (group === NO_GROUP) continue
    low[group]! += unsigned[2 * row]!
    high[group]! += signed[2 * row + 1]!
  }
  for (let group = 0; group < low.length; group++) {
    sums[group]! += BigInt(high[group]!) * WORD + BigInt(low[group]!)
  }
}
