import { InvalidArgumentError } from 'commander'

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `500ms`, `30s`, `5m`, `2h`, `1d` as milliseconds. */
export function durationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim())
  if (match === null) {
    throw new InvalidArgumentError('Write a duration such as 500ms, 30s, 5m or 1h.')
  }
  return Math.round(Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS])
}

/** A share between 0 and 1. */
export function fraction(text: string): number {
  const value = Number(text)
  if (text.trim() !== '' && value >= 0 && value <= 1) return value
  throw new InvalidArgumentError('Write a number from 0 to 1, such as 0.02.')
}

/** A whole number, 0 or more. */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text.trim()) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('Write a whole number.')
}

/** A whole number, 1 or more. */
export function positiveNumber(text: string): number {
  const value = wholeNumber(text)
  if (value > 0) return value
  throw new InvalidArgumentError('Write a whole number above 0.')
}

/** `500` or `500/s`. */
export function ratePerSecond(text: string): number {
  return positiveNumber(text.trim().replace(/\/s$/, ''))
}

/** An ISO 8601 date or time, UTC without an offset, as milliseconds since the epoch. */
export function instantMs(text: string): number {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/i.exec(
      text.trim(),
    )
  const [, date, time = '00:00', offset = 'Z'] = match ?? []
  const ms = Date.parse(`${date}T${time}${offset}`)
  if (match !== null && !Number.isNaN(ms)) return ms
  throw new InvalidArgumentError('Write a time such as 2026-01-31 or 2026-01-31T18:00:00Z.')
}

/** A date of UTC, as objects are named by: `2026-01-31`. */
export function dateText(text: string): string {
  const date = text.trim()
  if (/^\d{4}-\d{2}-\d{2}$/.test(date) && !Number.isNaN(Date.parse(date))) return date
  throw new InvalidArgumentError('Write a date such as 2026-01-31.')
}

/** A snapshot's id, or a time as {@link instantMs} takes it. */
export function snapshotOrTime(text: string): bigint | { readonly atMs: number } {
  // Years have four digits, ids of snapshots many more.
  if (/^\d{5,20}$/.test(text.trim())) return BigInt(text.trim())
  try {
    return { atMs: instantMs(text) }
  } catch {
    throw new InvalidArgumentError('Write a snapshot’s id, or a time such as 2026-01-31T18:00:00Z.')
  }
}

/** `a, b` → `['a', 'b']`. */
export function listOf(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim())
  if (parts.length > 0 && parts.every((part) => part !== '')) return parts
  throw new InvalidArgumentError('Write names separated by commas.')
}

/** A text that says something. */
export function refuseBlank(text: string): string {
  if (text.trim() !== '') return text.trim()
  throw new InvalidArgumentError('Write some words.')
}

/** Dollars, 0 or more. */
export function dollars(text: string): number {
  const value = Number(text.trim().replace(/^\$/, ''))
  if (text.trim() !== '' && Number.isFinite(value) && value >= 0) return value
  throw new InvalidArgumentError('Write an amount in dollars, such as 2.50.')
}
