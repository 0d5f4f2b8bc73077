import { nearestDouble } from '#lib/domain/kernel/nearest-double.ts'
import { integerFromStored, integerToStored } from './stored-state.ts'

/** numerator × 2^exponent: what sums of doubles are exactly, and integers with exponent 0. */
export interface Dyadic {
  readonly numerator: bigint
  readonly exponent: number
}

export const ZERO: Dyadic = { numerator: 0n, exponent: 0 }
/** Of a sum of doubles, or of squares of doubles: below it lies no bit of any. */
const LEAST_EXPONENT = -2148

export function integer(numerator: bigint): Dyadic {
  return { numerator, exponent: 0 }
}

export function plus(a: Dyadic, b: Dyadic): Dyadic {
  if (a.numerator === 0n) return b
  if (b.numerator === 0n) return a
  const exponent = Math.min(a.exponent, b.exponent)
  return { numerator: atExponent(a, exponent) + atExponent(b, exponent), exponent }
}

export function minus(a: Dyadic, b: Dyadic): Dyadic {
  return plus(a, { numerator: -b.numerator, exponent: b.exponent })
}

export function times(a: Dyadic, b: Dyadic): Dyadic {
  return { numerator: a.numerator * b.numerator, exponent: a.exponent + b.exponent }
}

/** The double nearest to value / divisor. */
export function quotient(value: Dyadic, divisor: bigint): number {
  return value.exponent < 0
    ? nearestDouble(value.numerator, divisor << BigInt(-value.exponent))
    : nearestDouble(value.numerator << BigInt(value.exponent), divisor)
}

/** How exact values are stored: one text or number each. */
export interface DyadicForm {
  toStored(value: Dyadic): string | number
  /** Undefined if it is no such value. */
  fromStored(stored: unknown): Dyadic | undefined
}

/** Of integers: as such. */
export const WHOLE: DyadicForm = {
  toStored: ({ numerator }) => integerToStored(numerator),
  fromStored(stored) {
    const whole = integerFromStored(stored)
    return whole === undefined ? undefined : integer(whole)
  },
}

/** Of sums of doubles: the odd numerator in hex and the exponent, as in `-1fp-52`; short integers as such. */
export const DYADIC: DyadicForm = {
  toStored(value) {
    const { numerator, exponent } = reduced(value)
    return exponent < 0 || exponent > 64
      ? `${numerator.toString(16)}p${exponent}`
      : integerToStored(numerator << BigInt(exponent))
  },
  fromStored(stored) {
    const whole = WHOLE.fromStored(stored)
    if (whole !== undefined) return whole
    const match = typeof stored === 'string' ? /^(-?)([0-9a-f]+)p(-?\d{1,4})$/.exec(stored) : null
    if (match === null || Number(match[3]) < LEAST_EXPONENT) return undefined
    const magnitude = BigInt(`0x${match[2]}`)
    return { numerator: match[1] === '-' ? -magnitude : magnitude, exponent: Number(match[3]) }
  },
}

function atExponent({ numerator, exponent }: Dyadic, lower: number): bigint {
  return numerator << BigInt(exponent - lower)
}

/** With an odd numerator: of all that equal it, the one that does not depend on how it was added up. */
function reduced({ numerator, exponent }: Dyadic): Dyadic {
  if (numerator === 0n) return ZERO
  let rest = numerator
  let shifted = exponent
  while ((rest & 0xffffffffn) === 0n) {
    rest >>= 32n
    shifted += 32
  }
  const low = Number(BigInt.asUintN(32, rest))
  const zeros = 31 - Math.clz32(low & -low)
  return { numerator: rest >> BigInt(zeros), exponent: shifted + zeros }
}
