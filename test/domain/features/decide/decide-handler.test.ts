import { describe, expect, it } from 'vitest'
import { makeHandler } from '#functions/features/decide/handler.ts'
import { MemoryDecisionStore } from '#lib/adapters/memory/memory-decision-store.ts'
import { MemoryFeatureBuffers } from '#lib/adapters/memory/memory-feature-buffers.ts'
import { MemoryGenerationStore } from '#lib/adapters/memory/memory-generation-store.ts'
import { MemoryPublicationStore } from '#lib/adapters/memory/memory-publication-store.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import type { DecisionEvent } from '#lib/domain/features/decide/log-event.ts'
import { fieldsOf, gt, text } from '#lib/domain/features/define/expressions.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const contract = await tripsContract()
const NOW = Date.UTC(2019, 0, 3, 15)
const trips: ViewDefinition = {
  name: 'zone-trips',
  description: '',
  key: 'pickup_location_id',
  window: { kind: 'tumbling', sizeSeconds: 86_400 },
  aggregates: [{ name: 'trips', function: 'count' }],
  freshnessSeconds: 3600,
}
const definition: DecisionDefinition = {
  name: 'busy',
  description: '',
  request: { zone: 'long' },
  features: [{ as: 'zone', view: 'zone-trips', key: text(fieldsOf<{ zone: 'long' }>().zone) }],
  answers: [],
  rules: {
    outcomes: ['allow', 'block'],
    of: [
      {
        name: 'tooManyTrips',
        outcome: 'block',
        when: gt(fieldsOf<{ zone_trips: 'long' }>().zone_trips, 1),
      },
    ],
  },
  log: { product: 'checks', source: '/checks', rememberSeconds: 60 },
}

/** A cell that decides; `arrive` has another trip counted first. */
async function deciding(decisions = [definition]) {
  const cell = new MemoryCell(contract)
  cell.views = [trips]
  let count = 0
  const arrive = async () => {
    count++
    await cell.archive().take('shard', [record(count, tripText({ id: `trip-${count}` }))])
    await cell.update()
  }
  const logged: DecisionEvent[] = []
  const stream = { isDown: false }
  const handler = makeHandler({
    contracts: versionsOf([contract]),
    views: [trips],
    decisions,
    generations: new MemoryGenerationStore(),
    slotsOf: () => cell.slots,
    publications: new MemoryPublicationStore(),
    buffers: new MemoryFeatureBuffers(),
    store: new MemoryDecisionStore(),
    log: async (_, event) => {
      if (stream.isDown) throw new Error('the stream is down')
      logged.push(event)
    },
    clock: { nowMs: () => NOW },
  })
  return { arrive, handler, logged, stream }
}

describe('the function that decides', () => {
  it('gives a request that comes again the answer that it got, whatever has happened since', async () => {
    const { arrive, handler, logged } = await deciding()
    await arrive()
    const ask = (id: string) => handler({ decision: 'busy', request: { zone: 236 }, id })

    const first = await ask('r-1')
    await arrive()
    const again = await ask('r-1')
    const other = await ask('r-2')

    expect([first.outcome, again.outcome, other.outcome]).toEqual(['allow', 'allow', 'block'])
    expect(again).toEqual(first)
    expect(logged.map((one) => [one.request_id, one.outcome])).toEqual([
      ['r-1', 'allow'],
      ['r-1', 'allow'],
      ['r-2', 'block'],
    ])
  })

  it('logs what was decided first, with the values that it was made of, when the stream could not take it then', async () => {
    const { arrive, handler, logged, stream } = await deciding()
    await arrive()
    const ask = () => handler({ decision: 'busy', request: { zone: 236 }, id: 'r-1' })
    stream.isDown = true
    await expect(ask()).rejects.toThrow('the stream is down')
    stream.isDown = false
    await arrive()

    await ask()

    const [event] = logged
    expect(event).toMatchObject({ outcome: 'allow', reasons: [], version: 1, is_stale: false })
    expect(JSON.parse(event!.features).zone.values).toEqual({ trips: 1 })
    expect(JSON.parse(event!.request)).toEqual({ zone: 236 })
  })

  it.each([
    [{ decision: 'busy', request: { zone: 1 } }, 'busy: is logged: give the request an id'],
    [{ decision: 'none', request: {} }, 'no decision "none": known are busy'],
    [{ decision: 'busy' }, 'request: '],
    [{ decision: 'busy', request: { zone: [1] }, id: 'x' }, 'request.zone: '],
    ['text', 'expected object'],
  ])('refuses %j in one line', async (event, message) => {
    const { handler } = await deciding()

    await expect(handler(event)).rejects.toThrow(message)
  })
})
