/** Fractions of integers: slow, and right by definition. */
export interface Ratio {
  readonly dividend: bigint
  /** Positive. */
  readonly divisor: bigint
}

/** What a number is exactly. */
export function exactDouble(value: number | bigint): Ratio {
  if (typeof value === 'bigint') return { dividend: value, divisor: 1n }
  let dividend = value
  let divisor = 1n
  // Doubling is exact until the fraction is gone; a subnormal needs 1,074 of them.
  while (!Number.isInteger(dividend)) {
    dividend *= 2
    divisor *= 2n
  }
  return { dividend: BigInt(dividend), divisor }
}

export function plusRatio(a: Ratio, b: Ratio): Ratio {
  return {
    dividend: a.dividend * b.divisor + b.dividend * a.divisor,
    divisor: a.divisor * b.divisor,
  }
}

export function ratioSum(ratios: readonly Ratio[]): Ratio {
  return ratios.reduce(
    (sum, ratio) => {
      // All divisors are powers of two: the greater one is a common one.
      const divisor = sum.divisor > ratio.divisor ? sum.divisor : ratio.divisor
      return {
        dividend:
          sum.dividend * (divisor / sum.divisor) + ratio.dividend * (divisor / ratio.divisor),
        divisor,
      }
    },
    { dividend: 0n, divisor: 1n },
  )
}

/** Negative, zero or positive, as left lies below, on or above right. */
export function compareRatios(left: Ratio, right: Ratio): number {
  const difference = left.dividend * right.divisor - right.dividend * left.divisor
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** The double nearest to a ratio, found by bisection over all doubles; of two equally near the even one. */
export function nearestOf(ratio: Ratio): number {
  if (ratio.dividend < 0n) return -nearestOf({ ...ratio, dividend: -ratio.dividend })
  // Doubles that are not negative are in the order of their bits.
  let below = 0n
  let above = BITS_OF_INFINITY
  while (above - below > 1n) {
    const middle = (below + above) >> 1n
    if (compareRatios(exactDouble(doubleOf(middle)), ratio) <= 0) below = middle
    else above = middle
  }
  const [lower, upper] = [exactOf(below), exactOf(above)]
  const middle = {
    dividend: plusRatio(lower, upper).dividend,
    divisor: lower.divisor * upper.divisor * 2n,
  }
  const side = compareRatios(ratio, middle)
  const isUpper = side > 0 || (side === 0 && (above & 1n) === 0n)
  return doubleOf(isUpper ? above : below)
}

const BITS_OF_INFINITY = 0x7ff0000000000000n

function doubleOf(bits: bigint): number {
  return new Float64Array(BigInt64Array.of(bits).buffer)[0]!
}

/** Infinity stands for the double that would follow the greatest: from halfway to it on, sums round to it. */
function exactOf(bits: bigint): Ratio {
  return bits === BITS_OF_INFINITY
    ? { dividend: 2n ** 1024n, divisor: 1n }
    : exactDouble(doubleOf(bits))
}
