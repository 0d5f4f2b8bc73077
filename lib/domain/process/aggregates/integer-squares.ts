import type { Column } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { ADDITIONS_AT_ONCE, ExactSums } from './exact-sums.ts'
import { NO_GROUP, wordsOf } from './grouped-rows.ts'

/** The square of an integer up to here is exact in a double. */
const EXACT_SQUARE = 94_906_265
const LIMB = 2 ** 22
const LIMB_BITS = 22
/** A long square has five products, and each may reach one word twice. */
const ROWS_AT_ONCE = ADDITIONS_AT_ONCE / 16

/** The exact sum of the squares of each group's values. */
export function integerSquares(column: Column, groups: Int32Array, groupCount: number): bigint[] {
  if (column.kind !== 'int32' && column.kind !== 'int64') {
    throw new PlatformError('view.invalid', `a ${column.kind} column has no integers to add`)
  }
  const words = column.kind === 'int64' ? wordsOf(column.values) : undefined
  const sums = new Array<bigint>(groupCount).fill(0n)
  const exact = new ExactSums(groupCount, 4 * LIMB_BITS)
  let pending = 0
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group === NO_GROUP) continue
    const low = words === undefined ? (column.values[row] as number) : words.unsigned[2 * row]!
    const high = words === undefined ? low >> 31 : words.signed[2 * row + 1]!
    const value = words === undefined ? low : high * 2 ** 32 + low
    if (value <= EXACT_SQUARE && value >= -EXACT_SQUARE) exact.add(group, value * value, 0)
    else addLongSquare(exact, group, low, high)
    if (++pending === ROWS_AT_ONCE) {
      exact.drain(sums)
      pending = 0
    }
  }
  exact.drain(sums)
  return sums
}

/** value = top × 2^44 + middle × 2^22 + bottom: every product of these is exact in a double. */
function addLongSquare(exact: ExactSums, group: number, low: number, high: number): void {
  const bottom = low & (LIMB - 1)
  const middle = ((low >>> LIMB_BITS) | (high << 10)) & (LIMB - 1)
  const top = high >> 12
  exact.add(group, bottom * bottom, 0)
  exact.add(group, 2 * bottom * middle, LIMB_BITS)
  exact.add(group, 2 * bottom * top + middle * middle, 2 * LIMB_BITS)
  exact.add(group, 2 * middle * top, 3 * LIMB_BITS)
  exact.add(group, top * top, 4 * LIMB_BITS)
}
