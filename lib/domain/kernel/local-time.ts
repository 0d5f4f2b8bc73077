import { Temporal } from 'temporal-polyfill'
import { PlatformError } from './errors.ts'

/** Local wall-clock time to UTC, both as whole seconds of the epoch (the local one as if it were UTC). */
export type LocalToUtc = (localSeconds: number) => number

/** A stretch of time with one offset; `localEnd` is where it ends on its own wall clock. */
interface Segment {
  readonly localStart: number
  readonly localEnd: number
  readonly offsetSeconds: number
}

const SECONDS_PER_DAY = 86_400
// Offsets differ from UTC by less than a day, and a wall clock has moved by a whole day (Samoa, 2011).
const MARGIN_SECONDS = 3 * SECONDS_PER_DAY
/** Years whose transitions are all looked up once somebody needs them; of others so many, whoever sends them. */
const FIRST_USUAL_YEAR = 1900
const LAST_USUAL_YEAR = 2100
const MAX_UNUSUAL_YEARS = 64
/** `Date.UTC` takes a smaller one for a year of the twentieth century. */
const FIRST_CACHED_YEAR = 100
const LAST_CACHED_YEAR = 9_998

const converters = new Map<string, LocalToUtc>()

/** Whether this is a time zone of the IANA database, such as `America/New_York`; a bare offset is none. */
export function isTimeZone(zone: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(zone)) return false
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone)
    return true
  } catch {
    return false
  }
}

/**
 * The converter of a zone, as RFC 5545 and Temporal ("compatible") have it: a time that occurs twice is the
 * earlier one, one that is skipped is moved forward by the gap. Transitions are looked up once per year, so
 * that a row costs no time-zone arithmetic. Throws `kernel.timeZone` if the zone is unknown.
 */
export function localToUtc(zone: string): LocalToUtc {
  const known = converters.get(zone)
  if (known !== undefined) return known
  if (!isTimeZone(zone)) {
    throw new PlatformError('kernel.timeZone', `${JSON.stringify(zone)} is not an IANA time zone`)
  }
  const converter = makeConverter(zone)
  converters.set(zone, converter)
  return converter
}

function makeConverter(zone: string): LocalToUtc {
  const years = new Map<number, readonly Segment[]>()
  let unusual = 0
  return (localSeconds) => {
    const year = new Date(localSeconds * 1000).getUTCFullYear()
    let segments = years.get(year)
    if (segments === undefined) {
      if (year < FIRST_CACHED_YEAR || year > LAST_CACHED_YEAR) return uncached(zone, localSeconds)
      if (year < FIRST_USUAL_YEAR || year > LAST_USUAL_YEAR) {
        if (unusual === MAX_UNUSUAL_YEARS) return uncached(zone, localSeconds)
        unusual++
      }
      segments = segmentsOf(zone, year)
      years.set(year, segments)
    }
    return convert(segments, localSeconds)
  }
}

function convert(segments: readonly Segment[], localSeconds: number): number {
  for (let i = 0; i < segments.length; i++) {
    const segment = segments[i]!
    if (localSeconds >= segment.localEnd) continue
    // Before its start and past the end of the one before: skipped, so the old offset still counts.
    const skipped = localSeconds < segment.localStart
    return localSeconds - (skipped ? segments[i - 1]! : segment).offsetSeconds
  }
  throw new PlatformError('kernel.timeZone', 'the segments of a year must cover it')
}

/** Every stretch that touches this year, in order; the first is open at its start, the last at its end. */
function segmentsOf(zone: string, year: number): Segment[] {
  const start = Date.UTC(year, 0, 1) / 1000 - MARGIN_SECONDS
  const end = Date.UTC(year + 1, 0, 1) / 1000 + MARGIN_SECONDS
  const segments: Segment[] = []
  let at = Temporal.Instant.fromEpochMilliseconds(start * 1000).toZonedDateTimeISO(zone)
  let localStart = Number.NEGATIVE_INFINITY
  for (;;) {
    const offsetSeconds = Math.round(at.offsetNanoseconds / 1e9)
    const next = at.getTimeZoneTransition('next')
    if (next === null || next.epochMilliseconds / 1000 >= end) {
      segments.push({ localStart, localEnd: Number.POSITIVE_INFINITY, offsetSeconds })
      return segments
    }
    const transition = next.epochMilliseconds / 1000
    segments.push({ localStart, localEnd: transition + offsetSeconds, offsetSeconds })
    localStart = transition + Math.round(next.offsetNanoseconds / 1e9)
    at = next
  }
}

function uncached(zone: string, localSeconds: number): number {
  const local = Temporal.Instant.fromEpochMilliseconds(localSeconds * 1000)
    .toZonedDateTimeISO('UTC')
    .toPlainDateTime()
  return local.toZonedDateTime(zone, { disambiguation: 'compatible' }).epochMilliseconds / 1000
}
