import type { Column } from '#lib/domain/kernel/columns.ts'
import { NO_GROUP, wordsOf } from './grouped-rows.ts'

/** Of a group without rows. */
export const NO_ROW = -1

/** The order of two rows by a column's values: negative if the left row comes first. */
export type RowOrder = (left: number, right: number) => number

export function compareInt64(values: BigInt64Array): RowOrder {
  const { signed, unsigned } = wordsOf(values)
  return (left, right) => {
    const high = signed[2 * left + 1]! - signed[2 * right + 1]!
    return high !== 0 ? high : unsigned[2 * left]! - unsigned[2 * right]!
  }
}

/** By bytes, which is by code point. */
export function compareUtf8({ bytes, offsets }: Extract<Column, { kind: 'utf8' }>): RowOrder {
  return (left, right) => {
    const leftStart = offsets[left]!
    const rightStart = offsets[right]!
    const leftLength = offsets[left + 1]! - leftStart
    const rightLength = offsets[right + 1]! - rightStart
    const shared = Math.min(leftLength, rightLength)
    for (let at = 0; at < shared; at++) {
      const difference = bytes[leftStart + at]! - bytes[rightStart + at]!
      if (difference !== 0) return difference
    }
    return leftLength - rightLength
  }
}

/** Of each group the row that comes first in the order (sign 1), or last in it (sign −1); of equal ones any. */
export function firstRows(
  order: RowOrder,
  groups: Int32Array,
  groupCount: number,
  sign: 1 | -1,
): Int32Array {
  const first = new Int32Array(groupCount).fill(NO_ROW)
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group === NO_GROUP) continue
    const held = first[group]!
    if (held === NO_ROW || sign * order(row, held) < 0) first[group] = row
  }
  return first
}
