/** UTC microseconds since the epoch. Exact as a double from 1684 to 2255. */
export type Micros = number

export const MICROS_PER_SECOND = 1_000_000
export const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND

/** The UTC date, `YYYY-MM-DD`. */
export function dateOf(micros: Micros): string {
  return isoOf(micros).slice(0, 10)
}

/** RFC 3339 in UTC, milliseconds. */
export function isoOf(micros: Micros): string {
  return new Date(Math.floor(micros / 1000)).toISOString()
}

/** Whole minutes since the epoch, the unit of the dedup horizon. */
export function minuteOf(micros: Micros): number {
  return Math.floor(micros / MICROS_PER_MINUTE)
}
