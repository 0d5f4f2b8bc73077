import type { ViewDefinition } from '#lib/domain/process/view.ts'

/** What is computed from trips while they arrive. */
export const views: readonly ViewDefinition[] = [
  {
    name: 'zone-fares',
    description: 'Trips and fares per pick-up zone and hour, by drop-off time.',
    key: 'pickup_location_id',
    window: { kind: 'tumbling', sizeSeconds: 3600 },
    aggregates: [
      { name: 'trip_count', function: 'count' },
      { name: 'fare_mean', function: 'mean', field: 'fare_amount' },
      { name: 'fare_sum', function: 'sum', field: 'fare_amount' },
    ],
    freshnessSeconds: 7200,
  },
]
