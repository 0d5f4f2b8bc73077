import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { TripsFields } from '../trips/fields.ts'

const view = viewsOf<TripsFields>()

/**
 * How fast and how far riders move. Seven days, because the sample holds about one trip in a thousand: with all of them an
 * hour would do.
 */
export const views = [
  view({
    name: 'rider-activity',
    description: 'Trips, zones and spending of a rider over the last seven days.',
    source: 'trips',
    key: 'rider_id',
    window: { kind: 'sliding', sizeSeconds: 604_800, slideSeconds: 21_600 },
    aggregates: {
      trips: { function: 'count' },
      zones: { function: 'distinct', field: 'pickup_location_id', precision: 8 },
      mean_fare: { function: 'mean', field: 'fare_amount' },
      longest_miles: { function: 'max', field: 'trip_distance' },
    },
    freshnessSeconds: 604_800,
    owner: 'payment-risk',
  }),
]
