import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { mapCsvRow } from '#lib/domain/ingest/csv-mapping.ts'
import type { ProducerEvent } from '#lib/domain/ingest/producer.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { csv } from '#products/trips/source.ts'

const SAMPLE = fileURLToPath(
  new URL('../../products/trips/data/yellow_tripdata_2019-01_sample.csv', import.meta.url),
)
/** What every peer calls a 1 KB event. */
export const EVENT_BYTES = 1024

/**
 * Trips as they would come live: the rows of the sample, each ending now, as CloudEvents of exactly 1 KiB. What the
 * trip itself does not fill is trace context in random hexadecimal digits: a load that compresses badly.
 */
export function liveTrips(seed: number): (nowMs: number) => ProducerEvent {
  const rows = sampleRows()
  const random = seededRandom(seed)
  let number = 0
  return (nowMs) => {
    const row = rows[number % rows.length]!
    number += 1
    const data = { ...row.data, ...times(row.seconds, nowMs) }
    const event = {
      specversion: '1.0',
      id: hex(random, 32),
      source: '/nyc-tlc/yellow',
      type: csv.type,
      time: new Date(nowMs).toISOString(),
      datacontenttype: 'application/json',
      traceparent: `00-${hex(random, 32)}-${hex(random, 16)}-01`,
      tracestate: '',
      data,
    }
    const missing = EVENT_BYTES - Buffer.byteLength(JSON.stringify(event))
    event.tracestate = hex(random, missing)
    return {
      source: event.source,
      id: event.id,
      text: JSON.stringify(event),
      partitionKey: String(row.data.pickup_location_id),
    }
  }
}

interface SampleRow {
  readonly data: Readonly<Record<string, unknown>>
  /** Length of the trip. */
  readonly seconds: number
}

const { derived: _, ...withoutRiders } = csv

/** The rows that the contract takes. */
function sampleRows(): readonly SampleRow[] {
  const [header, ...lines] = readFileSync(SAMPLE, 'utf8').trim().split(/\r?\n/)
  const names = header!.split(',')
  return lines.flatMap((line) => {
    const row = mapCsvRow(withoutRiders, names, line.split(','))
    if (!row.ok) return []
    const data = JSON.parse(row.events[0]!.data) as Record<string, unknown>
    const amounts = [data.fare_amount, data.total_amount] as number[]
    const seconds =
      (Date.parse(`${data.dropoff_datetime}Z`) - Date.parse(`${data.pickup_datetime}Z`)) / 1000
    return seconds < 0 || amounts.some((amount) => amount < 0) ? [] : [{ data, seconds }]
  })
}

/** In winter New York is five hours behind. */
const NEW_YORK_MS = -5 * 3_600_000

function times(seconds: number, nowMs: number) {
  const local = (ms: number) =>
    new Date(ms + NEW_YORK_MS).toISOString().slice(0, 19).replace('T', ' ')
  return { pickup_datetime: local(nowMs - seconds * 1000), dropoff_datetime: local(nowMs) }
}

function hex(random: () => number, digits: number): string {
  let text = ''
  while (text.length < digits) {
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  }
  return text.slice(0, digits)
}
