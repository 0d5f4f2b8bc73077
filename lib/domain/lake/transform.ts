import { murmur3 } from './murmur3.ts'
import { decimalOf, type PrimitiveType } from './schema.ts'
import { type ScalarValue, singleValue } from './single-value.ts'

/** How a partition value, or what rows are sorted by, comes from a column's value (table spec, "Partition Transforms"). */
export type Transform =
  | 'identity'
  | 'void'
  | 'year'
  | 'month'
  | 'day'
  | 'hour'
  | `bucket[${number}]`
  | `truncate[${number}]`

/** Whether Weir knows the transform, as metadata names it. Widths and counts are positive 32-bit integers. */
export function isTransform(text: string): text is Transform {
  if (['identity', 'void', 'year', 'month', 'day', 'hour'].includes(text)) return true
  const parameter = parameterOf(text)
  return parameter !== undefined && parameter > 0 && parameter < 2 ** 31
}

function parameterOf(transform: string): number | undefined {
  const match = /^(?:bucket|truncate)\[(\d{1,10})\]$/.exec(transform)
  return match ? Number(match[1]) : undefined
}

/** The type of what a transform makes of a column; undefined if it takes no column of this type. */
export function transformedType(
  transform: Transform,
  source: PrimitiveType,
): PrimitiveType | undefined {
  const isTime = source === 'timestamptz'
  switch (transform) {
    case 'identity':
    case 'void':
      return source
    case 'year':
    case 'month':
      return isTime || source === 'date' ? 'int' : undefined
    case 'day':
      return isTime || source === 'date' ? 'date' : undefined
    case 'hour':
      return isTime ? 'int' : undefined
    default: {
      if (transform.startsWith('bucket')) {
        return source === 'double' || source === 'boolean' ? undefined : 'int'
      }
      const isCut = source === 'int' || source === 'long' || source === 'string'
      return isCut || decimalOf(source) ? source : undefined
    }
  }
}

/**
 * What the transform makes of a value of the column, which is present; null for `void`. The same in every engine, so
 * that each finds what another has put into a partition.
 */
export function transformed(
  transform: Transform,
  source: PrimitiveType,
  value: ScalarValue,
): ScalarValue | null {
  switch (transform) {
    case 'identity':
      return value
    case 'void':
      return null
    case 'year':
      return Math.floor(monthsOf(daysOf(value)) / 12)
    case 'month':
      return monthsOf(daysOf(value))
    case 'day':
      return daysOf(value)
    case 'hour':
      return Number(floorDivided(value as bigint, MICROS_PER_HOUR))
    default: {
      const parameter = parameterOf(transform)!
      if (transform.startsWith('truncate')) return truncated(value, parameter)
      return bucketOf(hashed(source, value), parameter)
    }
  }
}

const MICROS_PER_HOUR = 3_600_000_000n
const MICROS_PER_DAY = 24n * MICROS_PER_HOUR

/** Days since the epoch, rounded down also before it, of a date or of microseconds. */
export function daysOf(value: ScalarValue): number {
  return typeof value === 'bigint' ? Number(floorDivided(value, MICROS_PER_DAY)) : Number(value)
}

const DAYS_OF_400_YEARS = 146_097
/** From March 1st of the year 0 to the epoch: years that begin in March end with the leap day. */
const DAYS_TO_EPOCH = 719_468

/** Months since the epoch, for all days that 64-bit microseconds reach, which is more than a `Date` does. */
function monthsOf(days: number): number {
  const sinceMarch0 = days + DAYS_TO_EPOCH
  const cycle = Math.floor(sinceMarch0 / DAYS_OF_400_YEARS)
  const day = sinceMarch0 - cycle * DAYS_OF_400_YEARS
  const leaps = Math.floor(day / 1460) - Math.floor(day / 36_524) + Math.floor(day / 146_096)
  const year = Math.floor((day - leaps) / 365)
  const dayOfYear = day - 365 * year - Math.floor(year / 4) + Math.floor(year / 100)
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153)
  return (cycle * 400 + year - 1970) * 12 + monthFromMarch + 2
}

function floorDivided(value: bigint, by: bigint): bigint {
  const quotient = value / by
  return value % by < 0n ? quotient - 1n : quotient
}

/** A lower neighbour on the grid of the width; of text its first characters. */
function truncated(value: ScalarValue, width: number): ScalarValue {
  switch (typeof value) {
    case 'string': {
      let end = 0
      for (let points = 0; points < width && end < value.length; points++) {
        end += value.codePointAt(end)! > 0xffff ? 2 : 1
      }
      return value.slice(0, end)
    }
    case 'bigint': {
      const wide = BigInt(width)
      return BigInt.asIntN(64, floorDivided(value, wide) * wide)
    }
    default:
      return (Math.floor(Number(value) / width) * width) | 0
  }
}

/** The bucket of a hash. */
export function bucketOf(hash: number, buckets: number): number {
  return (hash & 0x7fffffff) % buckets
}

/** Iceberg's hash of a value, the same for an integer of 32 and of 64 bits (table spec, appendix B). */
function hashed(type: PrimitiveType, value: ScalarValue): number {
  const isInteger = type === 'int' || type === 'date'
  return isInteger
    ? murmur3(singleValue('long', BigInt(value as number)))
    : murmur3(singleValue(type, value))
}
