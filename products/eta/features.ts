import {
  add,
  and,
  concat,
  divide,
  double,
  fieldsOf,
  floorTo,
  ge,
  gt,
  hour,
  le,
  literal,
  multiply,
  secondsBetween,
  text,
} from '#lib/domain/features/define/expressions.ts'
import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { TripsFields } from '../trips/fields.ts'

const trip = fieldsOf<TripsFields>()
const derived = fieldsOf<{
  took_seconds: 'long'
  expected_seconds: 'double'
  pickup: 'string'
  bucket: 'string'
}>()
const view = viewsOf<TripsFields>()

/** Of a taxi that meets nobody: how long getting going takes, and a mile. */
export const START_SECONDS = 150
export const SECONDS_PER_MILE = 210
/** Hours of the day that are told apart. */
export const BUCKET_HOURS = 4

/** Trips of a plausible length: a meter that was forgotten says nothing of the traffic. */
const plausible = and(
  gt(trip.trip_distance, 0),
  ge(derived.took_seconds, 60),
  le(derived.took_seconds, 10_800),
)

const columns = {
  took_seconds: secondsBetween(trip.pickup_datetime, trip.dropoff_datetime),
  expected_seconds: add(
    literal(START_SECONDS),
    multiply(double(trip.trip_distance), literal(SECONDS_PER_MILE)),
  ),
  delay: divide(derived.took_seconds, derived.expected_seconds),
  bucket: text(floorTo(hour(trip.pickup_datetime, 'America/New_York'), BUCKET_HOURS)),
}

const common = {
  source: 'trips',
  filter: plausible,
  window: { kind: 'running' },
  freshnessSeconds: 30 * 86_400,
  owner: 'travel-times',
} as const

/** How much longer trips took than the distance alone would have it, from the widest to the narrowest key. */
export const views = [
  view({
    ...common,
    name: 'city-delay',
    description: 'Delay of all trips by four hours of the day.',
    key: 'bucket',
    derived: columns,
    aggregates: {
      trips: { function: 'count' },
      historical_delay_score: { function: 'mean', field: 'delay' },
      mean_seconds: { function: 'mean', field: 'took_seconds' },
    },
  }),
  view({
    ...common,
    name: 'zone-delay',
    description: 'Delay of trips that began in a zone, by four hours of the day.',
    key: 'zone_bucket',
    derived: {
      ...columns,
      zone_bucket: concat(text(trip.pickup_location_id), '@', derived.bucket),
    },
    aggregates: {
      trips: { function: 'count' },
      historical_delay_score: { function: 'mean', field: 'delay' },
    },
  }),
  view({
    ...common,
    name: 'route-delay',
    description: 'Delay of trips from one zone to another, by four hours of the day.',
    key: 'route_bucket',
    derived: {
      ...columns,
      route_bucket: concat(
        text(trip.pickup_location_id),
        '-',
        text(trip.dropoff_location_id),
        '@',
        derived.bucket,
      ),
    },
    aggregates: {
      trips: { function: 'count' },
      historical_delay_score: { function: 'mean', field: 'delay' },
    },
  }),
]
