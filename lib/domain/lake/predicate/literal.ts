import { Temporal } from 'temporal-polyfill'
import { decimalOf, type PrimitiveType } from '../schema.ts'
import type { ScalarValue } from '../single-value.ts'
import { badPredicate, type PlainColumn } from './predicate.ts'

/** A value as it is written: what stands in quotes, or a bare word or number. */
export interface Literal {
  readonly text: string
  readonly isQuoted: boolean
}

const RANGES: Readonly<Partial<Record<PrimitiveType, readonly [bigint, bigint]>>> = {
  int: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** A value of the column. Throws `lake.badPredicate` for what the column cannot hold: nothing is rounded. */
export function scalarOf(column: PlainColumn, { text, isQuoted }: Literal): ScalarValue {
  const { name, type } = column
  switch (type) {
    case 'string':
      if (isQuoted) return text
      throw badPredicate(`${name} is text: write '${text}' in single quotes`)
    case 'boolean':
      if (/^(?:true|false)$/i.test(text)) return text.toLowerCase() === 'true'
      break
    case 'int':
    case 'long': {
      const [least, most] = RANGES[type]!
      const value = /^[+-]?\d{1,25}$/.test(text) ? BigInt(text.replace('+', '')) : undefined
      if (value === undefined || value < least || value > most) break
      return type === 'int' ? Number(value) : value
    }
    case 'double': {
      const value = Number(text)
      if (text.trim() !== '' && Number.isFinite(value)) return value
      break
    }
    case 'date': {
      const days = /^\d{4}-\d{2}-\d{2}$/.test(text) ? daysOfDate(text) : undefined
      if (days !== undefined) return days
      break
    }
    case 'timestamptz': {
      const micros = microsOf(text)
      if (micros !== undefined) return micros
      break
    }
    default: {
      const value = unscaled(type, text)
      if (value !== undefined) return value
    }
  }
  throw badPredicate(`${text} is no ${EXAMPLES[type] ?? type} for column ${name}`)
}

const EXAMPLES: Readonly<Record<string, string>> = {
  boolean: 'boolean (true, false)',
  date: "date ('2026-01-31')",
  timestamptz: "time ('2026-01-31T18:00:00Z')",
}

function daysOfDate(text: string): number | undefined {
  try {
    return Temporal.PlainDate.from('1970-01-01').until(text, { largestUnit: 'days' }).days
  } catch {
    return undefined
  }
}

/** Microseconds of a time with its offset. Undefined for any other text, and for finer times. */
function microsOf(text: string): bigint | undefined {
  try {
    const nanoseconds = Temporal.Instant.from(text).epochNanoseconds
    return nanoseconds % 1000n === 0n ? nanoseconds / 1000n : undefined
  } catch {
    return undefined
  }
}

/** The digits of a decimal with as many behind the point as the type has. */
function unscaled(type: PrimitiveType, text: string): bigint | undefined {
  const { scale } = decimalOf(type)!
  const match = /^([+-]?)(\d{1,18})(?:\.(\d{0,18}))?$/.exec(text)
  if (!match) return undefined
  const [, sign, whole, fraction = ''] = match
  const digits = fraction.replace(/0+$/, '')
  if (digits.length > scale) return undefined
  const value = BigInt(whole + digits.padEnd(scale, '0'))
  return sign === '-' ? -value : value
}
