import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import {
  and,
  divide,
  double,
  fieldsOf,
  ge,
  gt,
  literal,
  multiply,
} from '#lib/domain/features/define/expressions.ts'

const asked = fieldsOf<{ rider: 'string'; fare: 'double'; miles: 'double' }>()
const known = fieldsOf<{
  activity_trips: 'long'
  activity_zones: 'long'
  activity_mean_fare: 'double'
  dollars_per_mile: 'double'
}>()

export const decisions: readonly DecisionDefinition[] = [
  {
    name: 'payment-check',
    description: 'Whether the payment of a trip is taken, from how the rider has moved and spent.',
    version: 1,
    source: 'trips',
    // The rider is named by the token that stands in the tables, never by what the rider is called.
    request: { rider: 'string', fare: 'double', miles: 'double' },
    features: [{ as: 'activity', view: 'rider-activity', key: asked.rider }],
    derived: [{ name: 'dollars_per_mile', value: divide(asked.fare, asked.miles) }],
    answers: [{ name: 'usual_fare', value: known.activity_mean_fare }],
    rules: {
      outcomes: ['allow', 'review', 'block'],
      of: [
        { name: 'tooManyZones', outcome: 'review', when: ge(known.activity_zones, 4) },
        {
          name: 'fareFarAboveUsual',
          outcome: 'review',
          when: and(
            ge(known.activity_trips, 2),
            gt(asked.fare, multiply(known.activity_mean_fare, double(literal(5)))),
          ),
        },
        { name: 'implausiblePrice', outcome: 'review', when: gt(known.dollars_per_mile, 60) },
        {
          name: 'implausiblePriceOfABusyRider',
          outcome: 'block',
          when: and(gt(known.dollars_per_mile, 60), ge(known.activity_zones, 3)),
        },
      ],
    },
    log: {
      product: 'fraud',
      source: '/weir/decisions/payment-check',
      rememberSeconds: 3 * 86_400,
    },
  },
]
