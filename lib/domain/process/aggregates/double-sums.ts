import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Dyadic } from './dyadic.ts'
import { ADDITIONS_AT_ONCE, ExactSums } from './exact-sums.ts'
import { NO_GROUP, wordsOf } from './grouped-rows.ts'

const FRACTION_BITS = 52
/** The exponent of the last bit of the least double. */
const LAST_BIT = -1074
/** The exponent field of infinities and NaNs, which no contract lets in. */
const NOT_FINITE = 0x7ff
const HIDDEN_BIT = 2 ** FRACTION_BITS
const HALF = 2 ** 27
/** Words of all groups of one pass: 32 MB. */
const WORDS_AT_ONCE = 2 ** 22

type Power = 1 | 2

/** The exact sum of each group's values (power 1) or of their squares (power 2). */
export function doubleSums(
  values: Float64Array,
  groups: Int32Array,
  groupCount: number,
  power: Power,
): Dyadic[] {
  const range = exponentRange(values, groups)
  const lastBit = power * (range.greatest - range.least) + (power === 1 ? 0 : 2 * 27)
  const groupsAtOnce = Math.max(1, Math.floor(WORDS_AT_ONCE / ((lastBit >> 5) + 3)))
  const sums: bigint[] = []
  for (let first = 0; first < groupCount; first += groupsAtOnce) {
    const some = new Array<bigint>(Math.min(groupsAtOnce, groupCount - first)).fill(0n)
    addGroups(some, first, values, groups, range.least, lastBit, power)
    for (const sum of some) sums.push(sum)
  }
  const exponent = power * (range.least - 1 + LAST_BIT)
  return sums.map((numerator) => ({ numerator, exponent: numerator === 0n ? 0 : exponent }))
}

/** Adds the rows of the groups from `first` on, as many as there are sums. */
function addGroups(
  sums: bigint[],
  first: number,
  values: Float64Array,
  groups: Int32Array,
  leastExponent: number,
  lastBit: number,
  power: Power,
): void {
  const { unsigned } = wordsOf(values)
  const exact = new ExactSums(sums.length, lastBit)
  const rowsAtOnce = ADDITIONS_AT_ONCE >> 2
  let pending = 0
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]! - first
    if (group < 0 || group >= sums.length) continue
    const high = unsigned[2 * row + 1]!
    const field = (high >>> 20) & NOT_FINITE
    if (values[row] === 0) continue
    const fraction = (high & 0xfffff) * 2 ** 32 + unsigned[2 * row]!
    const bit = (field === 0 ? 1 : field) - leastExponent
    const magnitude = field === 0 ? fraction : fraction + HIDDEN_BIT
    if (power === 1) exact.add(group, high >= 0x80000000 ? -magnitude : magnitude, bit)
    else addSquare(exact, group, magnitude, 2 * bit)
    if (++pending === rowsAtOnce) {
      exact.drain(sums)
      pending = 0
    }
  }
  exact.drain(sums)
}

/** Halves of at most 26 bits and a sign: each of their three products is exact in a double. */
function addSquare(exact: ExactSums, group: number, magnitude: number, bit: number): void {
  const upper = Math.round(magnitude / HALF)
  const lower = magnitude - upper * HALF
  exact.add(group, lower * lower, bit)
  exact.add(group, upper * lower, bit + 28)
  exact.add(group, upper * upper, bit + 54)
}

/** Least and greatest exponent field among the rows that count; a subnormal number has that of the least normal one. */
function exponentRange(values: Float64Array, groups: Int32Array) {
  const { unsigned } = wordsOf(values)
  let least = NOT_FINITE
  let greatest = 1
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP || values[row] === 0) continue
    const field = (unsigned[2 * row + 1]! >>> 20) & NOT_FINITE
    if (field < least) least = field
    if (field > greatest) greatest = field
  }
  if (greatest === NOT_FINITE) {
    throw new PlatformError('view.invalid', 'a double is not finite: no contract admits one')
  }
  return { least: Math.max(1, Math.min(least, greatest)), greatest }
}
