import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { TripsFields } from './fields.ts'

const view = viewsOf<TripsFields>()

/** What is computed from trips while they arrive. */
export const views = [
  view({
    name: 'zone-fares',
    description: 'Trips and fares per pick-up zone and hour, by drop-off time.',
    key: 'pickup_location_id',
    window: { kind: 'tumbling', sizeSeconds: 3600 },
    aggregates: {
      trip_count: { function: 'count' },
      fare_mean: { function: 'mean', field: 'fare_amount' },
      fare_sum: { function: 'sum', field: 'fare_amount' },
    },
    freshnessSeconds: 7200,
  }),
]
