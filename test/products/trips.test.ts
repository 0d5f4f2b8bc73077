import { readFileSync } from 'node:fs'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { fieldKindsModule } from '#lib/domain/contract/types/field-kinds.ts'
import { cloudEventText, mapCsvRow } from '#lib/domain/ingest/csv-mapping.ts'
import { type DecodedBatch, decode } from '#lib/domain/ingest/decode.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { csv } from '#products/trips/source.ts'

const file = 'products/trips/contract.yaml'

function contractOfTrips(): Contract {
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(parsed.problems.map((problem) => problem.message).join('\n'))
  return parsed.contract
}

function rowsOf(name: string): { header: string[]; rows: string[][] } {
  const [header, ...rows] = parse(readFileSync(`products/trips/data/${name}`, 'utf8')) as string[][]
  return { header: header!, rows }
}

function decodeSample(name: string): DecodedBatch {
  const { header, rows } = rowsOf(name)
  const texts = rows.map((cells) => {
    const row = mapCsvRow(csv, header, cells)
    if (!row.ok) throw new Error(row.problem)
    return cloudEventText(row.events[0]!)
  })
  const data = Buffer.from(`[${texts.join(',')}]`)
  const events = unpackRecord({ sequence: sequenceNumber('1'), arrivalMicros: 0, data })
  return decode(contractOfTrips(), events, { shard: 'shardId-000000000000' })
}

describe('the real trips', () => {
  it.each([
    ['yellow_tripdata_2019-01_sample.csv', 7_495, 5],
    ['yellow_tripdata_2019-02_sample.csv', 8_486, 14],
  ])('%s: %i accepted, %i rejected for a negative fare', (name, accepted, rejected) => {
    const decoded = decodeSample(name)

    expect(decoded.batch.rows).toBe(accepted)
    expect(decoded.rejected.map((one) => one.reason)).toEqual(
      Array.from({ length: rejected }, () => 'fare_amount.belowMinimum'),
    )
    expect(new Set(decoded.identities.map((one) => one.id)).size).toBe(accepted)
    expect([...decoded.unknownFields]).toEqual([])
  })

  it('keep their money to the cent', () => {
    const name = 'yellow_tripdata_2019-01_sample.csv'
    const { header, rows } = rowsOf(name)
    const at = header.indexOf('total_amount')
    const cents = rows.map((cells) => Math.round(Number(cells[at]) * 100)).filter((c) => c >= 0)

    const column = decodeSample(name).batch.columns.get('total_amount')

    const total = column?.kind === 'int64' ? column.values.reduce((a, b) => a + b, 0n) : undefined
    expect(total).toBe(BigInt(cents.reduce((a, b) => a + b)))
  })

  it('carry the header of the CSV as the fields of the contract, and a rider behind them', () => {
    const { header } = rowsOf('yellow_tripdata_2019-01_sample.csv')

    const riders = contractOfTrips().fields.slice(header.length)
    expect(contractOfTrips().fields.map((field) => field.name)).toEqual([
      ...header,
      ...riders.map(({ name }) => name),
    ])
    expect(riders.map(({ personal }) => personal)).toEqual(Array(riders.length).fill(true))
    expect(csv.columns.map((column) => column.column)).toEqual(header)
    expect(csv.type).toBe(contractOfTrips().eventType)
  })

  it('have riders who are made up: the same of the same row, some of them more than once', () => {
    const { header, rows } = rowsOf('yellow_tripdata_2019-01_sample.csv')
    const dataOf = (cells: string[]) => {
      const row = mapCsvRow(csv, header, cells)
      if (!row.ok) throw new Error(row.problem)
      return JSON.parse(row.events[0]!.data) as Record<string, string>
    }
    const trips = rows.map(dataOf)

    expect(rows.map(dataOf)).toEqual(trips)
    const ids = new Set(trips.map((trip) => trip.rider_id))
    expect(ids.size).toBeGreaterThan(3_000)
    expect(ids.size).toBeLessThan(4_097)
    const mails = new Map(trips.map((trip) => [trip.rider_id, trip.rider_email]))
    for (const { rider_id, rider_email, rider_phone, rider_card_token, payment_type } of trips) {
      expect(rider_email).toMatch(/^[a-z]+\.[a-z]+\.\d+@example\.com$/)
      expect(mails.get(rider_id)).toBe(rider_email)
      expect(rider_phone).toMatch(/^\+1 \d{3} 555 01\d\d$/)
      expect(rider_card_token === undefined).toBe(Number(payment_type) !== 1)
    }
  })

  it('name zones that the zone table knows', () => {
    const known = new Set(rowsOf('taxi_zone_lookup.csv').rows.map(([id]) => Number(id)))

    expect(known.size).toBe(265)
    for (const name of ['pickup_location_id', 'dropoff_location_id']) {
      const field = contractOfTrips().fields.find((one) => one.name === name)
      expect(field?.constraints).toEqual({
        minimum: String(Math.min(...known)),
        maximum: String(Math.max(...known)),
      })
    }
  })

  it('are described in the README column by column', () => {
    const readme = readFileSync('products/trips/README.md', 'utf8')

    for (const { id, name } of contractOfTrips().fields) {
      expect(readme).toMatch(new RegExp(`^\\| ${id} +\\| \`${name}\` +\\|`, 'm'))
    }
  })
})

it('the kinds of its fields are those of its contract', () => {
  expect(readFileSync('products/trips/fields.ts', 'utf8')).toBe(
    fieldKindsModule([contractOfTrips()]).text,
  )
})
