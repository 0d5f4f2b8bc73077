import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

const ARRIVAL = Date.UTC(2026, 0, 1, 23, 59, 50) * 1000

export interface TripChanges {
  readonly id: string
  readonly fare?: string
  readonly zone?: number
  readonly dropoff?: string
}

/** A trip as a CloudEvent's JSON text. */
export function tripText({ id, fare = '10.50', zone = 236, dropoff }: TripChanges): string {
  return (
    `{"specversion":"1.0","id":${JSON.stringify(id)},"source":"/nyc-tlc/yellow",` +
    `"type":"${TRIP_TYPE}","data":{"vendor_id":1,"pickup_datetime":"2019-01-03 08:49:57",` +
    `"dropoff_datetime":"${dropoff ?? '2019-01-03 09:09:10'}","passenger_count":1,"trip_distance":7.0,` +
    `"rate_code_id":1,"store_and_fwd_flag":"N","pickup_location_id":${zone},"dropoff_location_id":87,` +
    `"payment_type":1,"fare_amount":${fare},"extra":0.0,"mta_tax":0.5,"tip_amount":2.0,` +
    `"tolls_amount":0.0,"improvement_surcharge":0.3,"total_amount":24.8,"congestion_surcharge":null}}`
  )
}

export const TRIP_TYPE = 'nyc.tlc.trip.completed'

/** A record of the stream; its digits are padded like those of Kinesis. Arrival moves a second per record. */
export function record(sequence: number, body: string | Uint8Array): StreamRecord {
  return {
    sequence: sequenceNumber(String(49_000_000_000_000_000n + BigInt(sequence))),
    arrivalMicros: ARRIVAL + sequence * 1_000_000,
    data: typeof body === 'string' ? Buffer.from(body) : body,
  }
}
