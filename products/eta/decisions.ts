import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import {
  add,
  coalesce,
  concat,
  divide,
  fieldsOf,
  floorTo,
  hour,
  literal,
  multiply,
  text,
} from '#lib/domain/features/define/expressions.ts'
import { BUCKET_HOURS, SECONDS_PER_MILE, START_SECONDS } from './features.ts'

const asked = fieldsOf<{ from: 'long'; to: 'long'; miles: 'double'; departs: 'timestamp' }>()
const known = fieldsOf<{
  city_historical_delay_score: 'double'
  zone_trips: 'long'
  zone_historical_delay_score: 'double'
  route_trips: 'long'
  route_historical_delay_score: 'double'
  city_score: 'double'
  zone_score: 'double'
  score: 'double'
  expected_seconds: 'double'
}>()

/** A key's own trips count beside so many of the wider one: few of them say little. */
const PRIOR_TRIPS = 10

const bucket = text(floorTo(hour(asked.departs, 'America/New_York'), BUCKET_HOURS))

/** The mean of a key's own trips and of those expected by the wider key, each by its weight. */
function shrunk(
  trips: typeof known.zone_trips,
  own: typeof known.score,
  wider: typeof known.score,
) {
  const total = add(multiply(coalesce(own, 0), trips), multiply(wider, literal(PRIOR_TRIPS)))
  return divide(total, add(trips, PRIOR_TRIPS))
}

export const decisions: readonly DecisionDefinition[] = [
  {
    name: 'eta-estimate',
    description: 'How long a trip will take, from its distance and how trips like it were delayed.',
    source: 'trips',
    request: { from: 'long', to: 'long', miles: 'double', departs: 'timestamp' },
    features: [
      { as: 'city', view: 'city-delay', key: bucket },
      { as: 'zone', view: 'zone-delay', key: concat(text(asked.from), '@', bucket) },
      {
        as: 'route',
        view: 'route-delay',
        key: concat(text(asked.from), '-', text(asked.to), '@', bucket),
      },
    ],
    derived: [
      { name: 'city_score', value: coalesce(known.city_historical_delay_score, 1) },
      {
        name: 'zone_score',
        value: shrunk(known.zone_trips, known.zone_historical_delay_score, known.city_score),
      },
      {
        name: 'expected_seconds',
        value: add(literal(START_SECONDS), multiply(asked.miles, literal(SECONDS_PER_MILE))),
      },
    ],
    answers: [
      {
        name: 'score',
        value: shrunk(known.route_trips, known.route_historical_delay_score, known.zone_score),
      },
      { name: 'seconds', value: multiply(known.expected_seconds, known.score) },
    ],
  },
]
