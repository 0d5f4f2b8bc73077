import type { PartitionValue } from './data-file.ts'
import { decimalOf, type PrimitiveType } from './schema.ts'
import type { ScalarValue } from './single-value.ts'
import type { Transform } from './transform.ts'

/** A value in JSON's terms: 64-bit values as digits, doubles that JSON does not have by name. */
export function partitionValue(value: ScalarValue): PartitionValue {
  const isJson = typeof value !== 'bigint' && (typeof value !== 'number' || Number.isFinite(value))
  return isJson ? value : String(value)
}

/** The inverse of {@link partitionValue}. */
export function partitionScalar(
  type: PrimitiveType,
  value: Exclude<PartitionValue, null>,
): ScalarValue {
  if (type === 'double') return Number(value)
  const isLong = type === 'long' || type === 'timestamptz' || decimalOf(type) !== undefined
  return isLong ? BigInt(value) : value
}

/** As people read it in a path; engines never do. */
export function partitionText(
  transform: Transform,
  type: PrimitiveType,
  value: PartitionValue,
): string {
  if (value === null) return 'null'
  if (type === 'date') return isoText(Number(value) * MS_PER_DAY, 'YYYY-MM-DD') ?? String(value)
  switch (transform) {
    case 'year':
      return String(1970 + Number(value))
    case 'month': {
      const month = Number(value)
      const ms = Date.UTC(1970 + Math.floor(month / 12), month - Math.floor(month / 12) * 12)
      return isoText(ms, 'YYYY-MM') ?? String(value)
    }
    case 'hour':
      return (
        isoText(Number(value) * MS_PER_HOUR, 'YYYY-MM-DDTHH')?.replace('T', '-') ?? String(value)
      )
    default:
      return String(value)
  }
}

const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 24 * MS_PER_HOUR

/** As much of the time as the pattern has; undefined outside of the years that have four digits. */
function isoText(ms: number, pattern: string): string | undefined {
  const date = new Date(ms)
  if (Number.isNaN(date.getTime())) return undefined
  const text = date.toISOString()
  return text.length === 24 ? text.slice(0, pattern.length) : undefined
}
