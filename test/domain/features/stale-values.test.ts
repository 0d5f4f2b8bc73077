import { expect, it } from 'vitest'
import { readFeatures } from '#lib/domain/features/read-features.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { StalePolicy, ViewDefinition } from '#lib/domain/process/view.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const contract = await tripsContract()
/** When the hour of the trip ends, UTC micros. */
const END = Date.UTC(2019, 0, 3, 15) * 1000
const HOUR = 3_600_000_000

function viewWith(whenStale?: StalePolicy): ViewDefinition {
  return {
    name: 'fares',
    description: 'Fares per zone and hour.',
    key: 'pickup_location_id',
    window: { kind: 'tumbling', sizeSeconds: 3600 },
    aggregates: [
      { name: 'trips', function: 'count' },
      { name: 'least', function: 'min', field: 'fare_amount' },
    ],
    freshnessSeconds: 3600,
    ...(whenStale === undefined ? {} : { whenStale }),
  }
}

async function read(view: ViewDefinition, at: number, key = '236') {
  const cell = new MemoryCell(contract)
  cell.views = [view]
  await cell.archive().take('shard', [record(1, tripText({ id: 'a', fare: '7.50' }))])
  await cell.update()
  const values = await readFeatures({ slots: cell.slots, contract }, view, key, at)
  return JSON.parse(JSON.stringify(values))
}

it('a value is fresh for as long as the view declares, whatever is said of stale ones', async () => {
  for (const whenStale of [undefined, 'error', { fallback: { trips: 0 } }] as const) {
    expect(await read(viewWith(whenStale), END + HOUR)).toMatchObject({
      values: { trips: 1, least: 7.5 },
      stale: false,
      source: 'stream',
    })
  }
})

it('then it is the last known one, marked', async () => {
  for (const whenStale of [undefined, 'lastKnown'] as const) {
    expect(await read(viewWith(whenStale), END + HOUR + 1)).toMatchObject({
      values: { trips: 1, least: 7.5 },
      stale: true,
      source: 'stream',
    })
  }
})

it('or what is declared instead, also for a key without a history', async () => {
  const view = viewWith({ fallback: { trips: 0 } })
  const instead = { values: { trips: 0, least: null }, stale: true, source: 'fallback' }

  expect(await read(view, END + HOUR + 1)).toMatchObject({
    ...instead,
    window: { end: '2019-01-03T15:00:00.000Z' },
  })
  expect(await read(view, END, '7')).toMatchObject({ ...instead, window: null })
})

it('or an error that says since when', async () => {
  const view = viewWith('error')

  await expect(read(view, END + HOUR + 1)).rejects.toMatchObject({
    code: 'features.stale',
    message: expect.stringMatching(
      /^fares: "236" has no value that is younger than 3600 s: it was computed at 20/,
    ),
  })
  await expect(read(view, END, '7')).rejects.toThrow(
    '"7" has no value that is younger than 3600 s: nothing is known',
  )
})

it.each<[string, unknown, string]>([
  ['another word', 'never', 'whenStale is "lastKnown", "error", or { fallback'],
  [
    'a fallback for what is not aggregated',
    { fallback: { mean: 1 } },
    'the fallback names no aggregate "mean"',
  ],
  [
    'a fallback of many',
    { fallback: { trips: [1] } },
    'the fallback of "trips" is a number, a text',
  ],
])('refuses %s', (_, whenStale, message) => {
  expect(() => checkViews(contract, [viewWith(whenStale as StalePolicy)])).toThrow(message)
})
