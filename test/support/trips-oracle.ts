import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Temporal } from 'temporal-polyfill'
import { root } from './weir.ts'

export const JANUARY = join(root, 'products/trips/data/yellow_tripdata_2019-01_sample.csv')
export const FEBRUARY = join(root, 'products/trips/data/yellow_tripdata_2019-02_sample.csv')

/**
 * What the trips product must hold of a sample file, computed from the file alone with other means: split lines,
 * cents as integers, Temporal for local time.
 */
export function tripsOracle(file: string) {
  const [header, ...lines] = readFileSync(file, 'utf8').trim().split('\n')
  const names = header!.split(',')
  const rows = lines.map((line) => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, i) => [name, cells[i]!]))
  })
  const accepted = rows.filter((row) => {
    const money = cents(row.fare_amount!) >= 0 && cents(row.total_amount!) >= 0
    return money && row.pickup_datetime! <= row.dropoff_datetime!
  })
  const windows = new Map<string, { trips: number; fareCents: number }>()
  for (const row of accepted) {
    const local = Temporal.PlainDateTime.from(row.dropoff_datetime!.replace(' ', 'T'))
    const ms = local.toZonedDateTime('America/New_York').epochMilliseconds
    const start = new Date(Math.floor(ms / 3_600_000) * 3_600_000).toISOString()
    const id = `${row.pickup_location_id} ${start}`
    const window = windows.get(id) ?? { trips: 0, fareCents: 0 }
    window.trips += 1
    window.fareCents += cents(row.fare_amount!)
    windows.set(id, window)
  }
  return {
    rows: rows.length,
    accepted: accepted.length,
    rejected: rows.length - accepted.length,
    totalCents: accepted.reduce((sum, row) => sum + cents(row.total_amount!), 0),
    windows,
  }
}

/** `12.5` is 1250. */
function cents(text: string): number {
  return Math.round(Number(text) * 100)
}
