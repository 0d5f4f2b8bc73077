import { type CsvCells, type CsvSource, numberOf } from '#lib/domain/ingest/csv-mapping.ts'
import { csv as trips } from '../trips/source.ts'

/** The TLC's CSV of yellow-taxi trips: each says where a taxi was wanted, and where it became free again. */
export const csv: CsvSource = {
  source: '/nyc-tlc/yellow/zones',
  type: 'nyc.tlc.zone.activity',
  columns: trips.columns,
  eventsOf: (trip) => [
    { part: 'request', data: at(trip, 'pickup', 'request') },
    { part: 'freed', data: at(trip, 'dropoff', 'freed') },
  ],
}

function at(trip: CsvCells, end: 'pickup' | 'dropoff', kind: string) {
  return { occurred_at: trip[`${end}_datetime`], zone: numberOf(trip[`${end}_location_id`]!), kind }
}
