import { Temporal } from 'temporal-polyfill'
import { localToUtc } from '#lib/domain/kernel/local-time.ts'

/** Two ASCII digits, read as one little-endian 16-bit word, as their number; 255 if either is no digit. */
export const TWO_DIGITS = new Uint8Array(0x10000).fill(255)
for (let n = 0; n < 100; n++) {
  TWO_DIGITS[(0x30 + Math.floor(n / 10)) | ((0x30 + (n % 10)) << 8)] = n
}

const MICROS = 1_000_000
const SECONDS_PER_DAY = 86_400
/** A transition moves local time by a day at most (Samoa, 2011); twice that leaves no doubt. */
const MARGIN_SECONDS = 2 * SECONDS_PER_DAY

/**
 * Days of the years 2000 to 2099 and what must be added to a second of that day to get UTC micros: one look-up
 * instead of calendar and zone arithmetic. Filled a year at a time, by the same rule as the slow decoder.
 */
export interface DayTable {
  /**
   * UTC micros of local midnight, at {@link dayIndex}. NaN: no such day, a year not looked at yet, or a day on
   * which the clock changes; then ask {@link startOf}.
   */
  readonly micros: Float64Array
  /** What to add to `secondOfDay` seconds on that day; NaN if there is no such day. */
  startOf(yearOfCentury: number, month: number, day: number, secondOfDay: number): number
}

/** A place for every pair of month and day that two digits can write, so that a wrong date meets no real one. */
export function dayIndex(yearOfCentury: number, month: number, day: number): number {
  return (yearOfCentury * 13 + month) * 32 + day
}

const tables = new Map<string, DayTable>()

/** The table of a time zone; `undefined` is UTC. One per zone and process. */
export function dayTable(zone: string | undefined): DayTable {
  const name = zone ?? 'UTC'
  let table = tables.get(name)
  if (table === undefined) {
    table = makeTable(zone)
    tables.set(name, table)
  }
  return table
}

function makeTable(zone: string | undefined): DayTable {
  const toUtc = zone === undefined ? (seconds: number) => seconds : localToUtc(zone)
  const micros = new Float64Array(dayIndex(99, 12, 31) + 1).fill(Number.NaN)
  const isFilled = new Uint8Array(100)

  function fill(year: number): void {
    isFilled[year] = 1
    const changes = zone === undefined ? [] : transitionsOf(zone, 2000 + year)
    for (let month = 1; month <= 12; month++) {
      for (let day = 1; day <= 31; day++) {
        const start = Date.UTC(2000 + year, month - 1, day) / 1000
        if (!isDay(start, day)) continue
        const first = toUtc(start)
        const isPlain = changes.every(
          (at) => at < first - MARGIN_SECONDS || at > first + SECONDS_PER_DAY + MARGIN_SECONDS,
        )
        if (isPlain) micros[dayIndex(year, month, day)] = first * MICROS
      }
    }
  }

  return {
    micros,
    startOf(year, month, day, secondOfDay) {
      if (year > 99 || month > 12 || day > 31) return Number.NaN
      if (isFilled[year] === 0) fill(year)
      const known = micros[dayIndex(year, month, day)]!
      if (!Number.isNaN(known)) return known
      const start = Date.UTC(2000 + year, month - 1, day) / 1000
      if (month === 0 || !isDay(start, day)) return Number.NaN
      return (toUtc(start + secondOfDay) - secondOfDay) * MICROS
    },
  }
}

function isDay(start: number, day: number): boolean {
  return new Date(start * 1000).getUTCDate() === day
}

/** Seconds of the epoch at which the zone's offset changes, around a year. */
function transitionsOf(zone: string, year: number): number[] {
  const end = Date.UTC(year + 1, 0, 8) / 1000
  const found: number[] = []
  let at = Temporal.Instant.fromEpochMilliseconds(Date.UTC(year - 1, 11, 24)).toZonedDateTimeISO(
    zone,
  )
  for (;;) {
    const next = at.getTimeZoneTransition('next')
    if (next === null || next.epochMilliseconds / 1000 > end) return found
    found.push(next.epochMilliseconds / 1000)
    at = next
  }
}
