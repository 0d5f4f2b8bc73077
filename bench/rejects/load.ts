import { zstdCompressSync } from 'node:zlib'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { liveTrips } from '../cost/workload.ts'

/** Each breaks a trip in another way: a field, two fields, a type, the envelope. */
const BREAKS: readonly ((text: string) => string)[] = [
  (text) => text.replace(/"fare_amount":/, '"fare_amount":-1'),
  (text) => text.replace(/"pickup_datetime":"20/, '"pickup_datetime":"29'),
  (text) => text.replace(/"passenger_count":/, '"passenger_count":"none","x":'),
  (text) => text.replace(/"type":"[^"]*"/, '"type":"something.else"'),
  (text) => text.replace(/"pickup_location_id":/, '"pickup_location":'),
]

const EVENTS_PER_RECORD = 100
const ARRIVAL_MS = Date.UTC(2026, 0, 15, 15)

/** Records of trips, one in every `rejectEvery` of which breaks the contract. The same load each time. */
export function tripRecords(events: number, rejectEvery: number): readonly StreamRecord[] {
  const next = liveTrips(3)
  const records: StreamRecord[] = []
  for (let first = 0; first < events; first += EVENTS_PER_RECORD) {
    const texts = Array.from({ length: Math.min(EVENTS_PER_RECORD, events - first) }, (_, i) => {
      const { text } = next(ARRIVAL_MS)
      const number = first + i + 1
      return number % rejectEvery === 0 ? BREAKS[number % BREAKS.length]!(text) : text
    })
    records.push({
      sequence: sequenceNumber(String(49_000_000_000_000_000n + BigInt(first))),
      arrivalMicros: ARRIVAL_MS * 1000,
      data: zstdCompressSync(`[${texts.join(',')}]`),
    })
  }
  return records
}
