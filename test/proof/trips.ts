import { Temporal } from 'temporal-polyfill'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { tripText } from '#test/support/trip-events.ts'

const ZONES = 260
/** Event time that the trips are spread over, and how far behind its place one of ten of them is. */
const HOURS = 6
const DISORDER_SECONDS = 600
/** When the last ones happen: they move every shard's watermark past all windows of the others. */
const CLOSING_HOURS = 24
const NEW_YORK = 'America/New_York'
const SECONDS_PER_HOUR = 3_600

/** A trip as it is sent, with what the oracle needs to know of it. */
export interface SentTrip {
  readonly id: string
  readonly zone: number
  readonly data: Record<string, unknown> & { readonly pickup_location_id: number }
  readonly fareCents: number
  /** Start of the hour that it belongs to, RFC 3339 in UTC. */
  readonly hour: string
}

/** Trips in the order they are sent, one in ten late by up to ten minutes. The same for a seed and a first drop-off. */
export function trips(count: number, seed: number, first: Temporal.PlainDateTime): SentTrip[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, i) => {
    const place = Math.floor((i / count) * HOURS * SECONDS_PER_HOUR)
    const late = random() < 0.1 ? Math.floor(random() * DISORDER_SECONDS) : 0
    const dropoff = first.add({ seconds: Math.max(0, place - late) })
    return trip(`trip-${i}`, 1 + Math.floor(random() * ZONES), dropoff, random)
  })
}

/** A trip of every zone, long after all others. */
export function closingTrips(seed: number, first: Temporal.PlainDateTime): SentTrip[] {
  const random = seededRandom(seed, 1)
  const at = first.add({ hours: CLOSING_HOURS })
  return Array.from({ length: ZONES }, (_, i) => trip(`closing-${i}`, 1 + i, at, random))
}

function trip(id: string, zone: number, dropoff: Temporal.PlainDateTime, random: Random): SentTrip {
  const fareCents = Math.floor(random() * 10_000)
  const fare = `${Math.floor(fareCents / 100)}.${String(fareCents % 100).padStart(2, '0')}`
  const text = tripText({
    id,
    zone,
    fare,
    dropoff: dropoff.toString().replace('T', ' ').slice(0, 19),
  })
  const { data } = JSON.parse(text) as { data: SentTrip['data'] }
  const pickup = { pickup_datetime: data.dropoff_datetime }
  const hour = dropoff.round({ smallestUnit: 'hour', roundingMode: 'floor' })
  return {
    id,
    zone,
    data: { ...data, ...pickup },
    fareCents,
    hour: hour.toZonedDateTime(NEW_YORK).toInstant().toString(),
  }
}

/**
 * When the first trips end: lately, since what is older than states are kept is late, and so that the closing ones are
 * not of the future.
 */
export function firstDropoff(nowMs: number): Temporal.PlainDateTime {
  return Temporal.Instant.fromEpochMilliseconds(nowMs)
    .toZonedDateTimeISO(NEW_YORK)
    .toPlainDateTime()
    .subtract({ hours: CLOSING_HOURS + 6 })
    .round({ smallestUnit: 'hour', roundingMode: 'floor' })
}

/** What windows must hold, `<zone> <hour> <trips> <cents>`, computed trip by trip. */
export function expectedWindows(all: readonly SentTrip[]): string[] {
  const windows = new Map<string, { trips: number; cents: number }>()
  for (const { zone, hour, fareCents } of all) {
    const id = `${zone} ${hour}`
    const window = windows.get(id) ?? { trips: 0, cents: 0 }
    windows.set(id, { trips: window.trips + 1, cents: window.cents + fareCents })
  }
  return [...windows].map(([id, { trips: n, cents }]) => `${id} ${n} ${cents}`).sort()
}
