import type { LocalToUtc } from '#lib/domain/kernel/local-time.ts'

/** Why a text is not a date or a time. */
export type TimeProblem = 'notTime' | 'tooPrecise'

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(.*)$/
const TIME_OF_DAY = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?$/
const OFFSET = /^(?:[Zz]|([+-])(\d{2}):(\d{2}))$/
const SECONDS_PER_DAY = 86_400

/** `YYYY-MM-DD` as days since the epoch; years 1 to 9999. */
export function daysOf(text: string): number | TimeProblem {
  const match = DATE.exec(text)
  return (match && epochDays(match)) ?? 'notTime'
}

/**
 * `HH:MM:SS` with an optional fraction, as the text of it that is kept: of equal times the same text, and in the order of
 * time. More than six fractional digits are refused unless zeros.
 */
export function timeOfDay(text: string): string | TimeProblem {
  const match = TIME_OF_DAY.exec(text)
  if (match === null) return 'notTime'
  const [, hour, minute, second, fraction = ''] = match
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return 'notTime'
  if (/[1-9]/.test(fraction.slice(6))) return 'tooPrecise'
  const digits = fraction.slice(0, 6).replace(/0+$/, '')
  return `${hour}:${minute}:${second}${digits === '' ? '' : `.${digits}`}`
}

/** RFC 3339 with an offset, as UTC micros. More than six fractional digits are refused unless zeros. */
export function instantMicros(text: string): bigint | TimeProblem {
  const parts = timeParts(text)
  if (typeof parts === 'string') return parts
  const offset = offsetSeconds(parts.rest)
  if (offset === undefined) return 'notTime'
  return BigInt(parts.seconds - offset) * 1_000_000n + BigInt(parts.micros)
}

/** Wall-clock time without an offset, as UTC micros by the zone's rule. */
export function localMicros(text: string, toUtc: LocalToUtc): bigint | TimeProblem {
  const parts = timeParts(text)
  if (typeof parts === 'string') return parts
  if (parts.rest !== '') return 'notTime'
  return BigInt(toUtc(parts.seconds)) * 1_000_000n + BigInt(parts.micros)
}

function timeParts(text: string): { seconds: number; micros: number; rest: string } | TimeProblem {
  const match = TIME.exec(text)
  const days = match && epochDays(match)
  if (match === null || days === undefined || days === null) return 'notTime'
  const [hour, minute, second] = [Number(match[4]), Number(match[5]), Number(match[6])]
  // A leap second has no place on a UTC micros axis.
  if (hour > 23 || minute > 59 || second > 59) return 'notTime'
  const fraction = match[7] ?? ''
  if (/[1-9]/.test(fraction.slice(6))) return 'tooPrecise'
  return {
    seconds: days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second,
    micros: Number(fraction.slice(0, 6).padEnd(6, '0')),
    rest: match[8] ?? '',
  }
}

function offsetSeconds(text: string): number | undefined {
  const match = OFFSET.exec(text)
  if (match === null) return undefined
  if (match[1] === undefined) return 0
  const [hours, minutes] = [Number(match[2]), Number(match[3])]
  if (hours > 23 || minutes > 59) return undefined
  return (match[1] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60)
}

function epochDays(match: RegExpExecArray): number | undefined {
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  if (year === 0) return undefined
  // Date.UTC would take a year below 100 for one of the twentieth century.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.getTime() / 1000 / SECONDS_PER_DAY
}
