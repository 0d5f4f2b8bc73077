import type { CsvColumn, CsvSource } from '#lib/domain/ingest/csv-mapping.ts'
import { riderOf } from './riders.ts'

/** The TLC's CSV of yellow-taxi trips: its columns carry the names of the contract's fields. */
export const csv: CsvSource = {
  source: '/nyc-tlc/yellow',
  type: 'nyc.tlc.trip.completed',
  columns: [
    number('vendor_id'),
    text('pickup_datetime'),
    text('dropoff_datetime'),
    number('passenger_count'),
    number('trip_distance'),
    number('rate_code_id'),
    text('store_and_fwd_flag'),
    number('pickup_location_id'),
    number('dropoff_location_id'),
    number('payment_type'),
    number('fare_amount'),
    number('extra'),
    number('mta_tax'),
    number('tip_amount'),
    number('tolls_amount'),
    number('improvement_surcharge'),
    number('total_amount'),
    number('congestion_surcharge'),
  ],
  derived: riderOf,
}

function number(name: string): CsvColumn {
  return { column: name, field: name, kind: 'number' }
}

function text(name: string): CsvColumn {
  return { column: name, field: name, kind: 'text' }
}
