const MANTISSA_BITS = 53
const LEAST_EXPONENT = -1074

/** The double nearest to numerator / denominator, ties to even; an infinity beyond the doubles. `denominator` > 0. */
export function nearestDouble(numerator: bigint, denominator: bigint): number {
  if (numerator === 0n) return 0
  const magnitude = numerator < 0n ? -numerator : numerator
  // Two bits more than a double has, so that what is cut off decides only on which side of a tie it lies.
  const shift = MANTISSA_BITS + 2 + bitLength(denominator) - bitLength(magnitude)
  const dividend = shift > 0 ? magnitude << BigInt(shift) : magnitude
  const divisor = shift < 0 ? denominator << BigInt(-shift) : denominator
  const quotient = dividend / divisor
  const isInexact = quotient * divisor !== dividend
  // Below the least normal double there are fewer digits: all is rounded to multiples of the least one.
  const dropped = Math.max(bitLength(quotient) - MANTISSA_BITS, shift + LEAST_EXPONENT)
  const rounded = roundedToEven(quotient, dropped, isInexact)
  const double = scaledByPower(rounded, dropped - shift)
  return numerator < 0n ? -double : double
}

/** Of a positive integer. */
export function bitLength(value: bigint): number {
  const hex = value.toString(16)
  return hex.length * 4 - (Math.clz32(Number.parseInt(hex[0]!, 16)) - 28)
}

function roundedToEven(quotient: bigint, dropped: number, isInexact: boolean): number {
  const unit = 1n << BigInt(dropped)
  const rest = quotient & (unit - 1n)
  const half = unit >> 1n
  const kept = quotient >> BigInt(dropped)
  const isUp = rest > half || (rest === half && (isInexact || (kept & 1n) === 1n))
  return Number(isUp ? kept + 1n : kept)
}

function scaledByPower(integer: number, exponent: number): number {
  if (exponent > 1023) return Infinity
  return integer * 2 ** exponent
}
