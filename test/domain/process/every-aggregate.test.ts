import { describe, expect, it } from 'vitest'
import { readFeatures } from '#lib/domain/features/read-features.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const contract = await tripsContract()
const HOUR = Date.UTC(2019, 0, 3, 14) * 1000

const VIEW: ViewDefinition = {
  name: 'fares',
  description: 'Every aggregate over fares, per pick-up zone and hour.',
  key: 'pickup_location_id',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [
    { name: 'trips', function: 'count' },
    { name: 'surcharged', function: 'count', field: 'congestion_surcharge' },
    { name: 'sum', function: 'sum', field: 'fare_amount' },
    { name: 'mean', function: 'mean', field: 'fare_amount' },
    { name: 'least', function: 'min', field: 'fare_amount' },
    { name: 'latest', function: 'max', field: 'dropoff_datetime' },
    { name: 'spread', function: 'variance', field: 'fare_amount', of: 'population' },
    { name: 'fares', function: 'distinct', field: 'fare_amount' },
    { name: 'quartiles', function: 'quantile', field: 'fare_amount', q: [0, 0.5, 1] },
    { name: 'usual', function: 'topk', field: 'fare_amount', k: 2 },
    { name: 'first', function: 'first', field: 'fare_amount' },
    { name: 'flag', function: 'last', field: 'store_and_fwd_flag' },
  ],
  freshnessSeconds: 7200,
}

interface Trip {
  readonly cents: number
  readonly second: number
}

/** Trips of one hour and zone, by two shards; each second of the hour at most once. */
function trips(count: number): Trip[] {
  const random = seededRandom(1)
  return Array.from({ length: count }, (_, i) => ({
    cents: 100 * Math.floor(1 + random() * 30),
    second: (i * 1021) % 3600,
  }))
}

function text({ cents, second }: Trip, id: string, zone = 236): string {
  const time = new Date(HOUR / 1000 + second * 1000 - 5 * 3_600_000).toISOString()
  const dropoff = time.slice(0, 19).replace('T', ' ')
  return tripText({ id, fare: (cents / 100).toFixed(2), dropoff, zone })
}

async function read(cell: MemoryCell, key = '236', at = HOUR) {
  const features = await readFeatures({ slots: cell.slots, contract }, VIEW, key, at)
  return JSON.parse(JSON.stringify(features.values))
}

describe('a view of every aggregate', () => {
  it('is accepted', () => {
    expect(() => checkViews(contract, [VIEW])).not.toThrow()
  })

  it('has, from event to feature, what the events say', async () => {
    const cell = new MemoryCell(contract)
    cell.views = [VIEW]
    const all = trips(120)
    // Between them, in the same batches, those of another zone and of the hour before.
    const others = [
      ['other zone', { cents: 99_900, second: 5 }, 7],
      ['hour before', { cents: 88_800, second: -5 }, 236],
    ] as const
    for (let at = 0; at < all.length; at += 10) {
      const shard = at % 20 === 0 ? 'shardId-000000000000' : 'shardId-000000000001'
      const records = all
        .slice(at, at + 10)
        .map((trip, i) => record(at + i + 1, text(trip, `trip ${at + i}`)))
      others.forEach(([name, trip, zone], i) => {
        records.push(record(at + i + 11, text(trip, `${name} ${at}`, zone)))
      })
      await cell.archive().take(shard, records)
      // Sometimes after one batch, sometimes after several: slots are merged with what they held.
      if (at % 40 !== 0) await cell.update()
    }
    await cell.update()

    const cents = all.map((trip) => trip.cents)
    const sorted = [...cents].sort((a, b) => a - b)
    const byTime = [...all].sort((a, b) => a.second - b.second)
    const counts = new Map<number, number>()
    for (const one of cents) counts.set(one, (counts.get(one) ?? 0) + 1)
    const top = [...counts].sort(([a, n], [b, m]) => m - n || a - b).slice(0, 2)
    const sum = cents.reduce((total, one) => total + one, 0)
    const squares = cents.reduce((total, one) => total + (one - sum / 120) ** 2, 0)
    const { mean, spread, quartiles, ...exact } = await read(cell)
    expect(exact).toEqual({
      trips: 120,
      surcharged: 0,
      sum: sum / 100,
      least: sorted[0]! / 100,
      latest: new Date(HOUR / 1000 + byTime.at(-1)!.second * 1000)
        .toISOString()
        .replace('.000Z', '.000000Z'),
      fares: counts.size,
      usual: top.map(([value, count]) => ({ value: value / 100, count, error: 0 })),
      first: byTime[0]!.cents / 100,
      flag: 'N',
    })
    expect(mean).toBeCloseTo(sum / 12_000, 10)
    expect(spread).toBeCloseTo(squares / 120 / 10_000, 10)
    expect(await read(cell, '7')).toMatchObject({
      trips: 12,
      sum: 11_988,
      quartiles: [999, 999, 999],
    })
    expect(await read(cell, '236', HOUR - 1)).toMatchObject({ trips: 12, least: 888, fares: 1 })
    const median = sorted[59]! / 100
    expect([quartiles[0], quartiles[2]]).toEqual([sorted[0]! / 100, sorted[119]! / 100])
    expect(Math.abs(quartiles[1] - median)).toBeLessThanOrEqual(0.01 * median)
  })

  it('says null, 0 or nothing of a key without history', async () => {
    const cell = new MemoryCell(contract)
    const values = await read(cell)
    expect(values).toMatchObject({ trips: 0, sum: null, fares: 0, quartiles: null, usual: [] })
  })

  it('goes on from slots whose states had no version yet', async () => {
    const cell = new MemoryCell(contract)
    cell.views = [{ ...VIEW, aggregates: VIEW.aggregates.slice(0, 4) }]
    await cell.archive().take('shard', [record(1, text({ cents: 250, second: 0 }, 'a'))])
    await cell.update()
    const [slot] = cell.slots.all()
    const states = {
      trips: 1,
      surcharged: 0,
      sum: { count: 1, sum: '250' },
      mean: { count: 1, sum: '250' },
    }
    await cell.slots.write({ ...slot!, states }, slot!.sequence)

    await cell.archive().take('shard', [record(2, text({ cents: 350, second: 1 }, 'b'))])
    await cell.update()

    const [after] = cell.slots.all()
    expect(after!.states).toEqual({
      trips: ['count/1', 2],
      surcharged: ['count/1', 0],
      sum: ['sum/1', 2, 600],
      mean: ['sum/1', 2, 600],
    })
  })
})
