import type { ByteMemory } from './byte-memory.ts'

/** Number readers that generated code calls: each returns the place behind the number, or -1 to give up. */
export interface NumberReaders {
  /** A double into `number` of the memory. */
  double(at: number): number
  /** A whole number from `start` to `end` with its sign left out, into `low` and `high`; bounds inclusive. */
  longer(
    start: number,
    end: number,
    isNegative: boolean,
    minimum: number | undefined,
    maximum: number | undefined,
  ): number
  /** Minutes of an offset such as `+05:30`; {@link NO_OFFSET} if it is none. */
  offset(at: number): number
}

export const NO_OFFSET = 0x7fffffff

/** Powers of ten that a double holds exactly: one division or product by them is rounded correctly. */
const POWERS = Float64Array.from({ length: 23 }, (_, i) => Number(`1e${i}`))
const MAX_EXACT_DIGITS = 15
const LONG_MAX = 2n ** 63n - 1n
const LONG_MIN = -(2n ** 63n)

export function numberReaders(memory: ByteMemory): NumberReaders {
  const { bytes } = memory
  const long = new BigInt64Array(1)
  const halves = new Int32Array(long.buffer)

  function digitsEnd(at: number): number {
    while ((bytes[at]! ^ 0x30) <= 9) at++
    return at
  }

  function double(start: number): number {
    const isNegative = bytes[start] === 0x2d
    let at = isNegative ? start + 1 : start
    const whole = at
    let digits = 0
    for (let x = bytes[at]! ^ 0x30; x <= 9; x = bytes[++at]! ^ 0x30) digits = digits * 10 + x
    if (at === whole || (bytes[whole] === 0x30 && at > whole + 1)) return -1
    let count = at - whole
    let fraction = 0
    if (bytes[at] === 0x2e) {
      const dot = at++
      for (let x = bytes[at]! ^ 0x30; x <= 9; x = bytes[++at]! ^ 0x30) digits = digits * 10 + x
      fraction = at - dot - 1
      if (fraction === 0) return -1
      count += fraction
    }
    const hasExponent = (bytes[at]! | 0x20) === 0x65
    if (hasExponent) {
      at++
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
      const exponent = at
      at = digitsEnd(at)
      if (at === exponent) return -1
    }
    if (count <= MAX_EXACT_DIGITS && !hasExponent) {
      const value = digits / POWERS[fraction]!
      memory.number = isNegative ? -value : value
      return at
    }
    memory.number = Number(bytes.toString('latin1', start, at))
    return Number.isFinite(memory.number) ? at : -1
  }

  function longer(
    start: number,
    end: number,
    isNegative: boolean,
    minimum: number | undefined,
    maximum: number | undefined,
  ): number {
    if (end - start > 19) return -1
    const digits = BigInt(bytes.toString('latin1', start, end))
    const value = isNegative ? -digits : digits
    if (value < LONG_MIN || value > LONG_MAX) return -1
    if ((minimum !== undefined && value < minimum) || (maximum !== undefined && value > maximum)) {
      return -1
    }
    long[0] = value
    memory.low = halves[0]!
    memory.high = halves[1]!
    return end
  }

  function offset(at: number): number {
    const sign = bytes[at]
    if (sign !== 0x2b && sign !== 0x2d) return NO_OFFSET
    const hours = pair(at + 1)
    const minutes = pair(at + 4)
    if (hours > 23 || minutes > 59 || bytes[at + 3] !== 0x3a) return NO_OFFSET
    return sign === 0x2d ? -(hours * 60 + minutes) : hours * 60 + minutes
  }

  function pair(at: number): number {
    const tens = bytes[at]! ^ 0x30
    const ones = bytes[at + 1]! ^ 0x30
    return tens > 9 || ones > 9 ? Number.POSITIVE_INFINITY : tens * 10 + ones
  }

  return { double, longer, offset }
}
