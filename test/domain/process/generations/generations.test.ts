import { describe, expect, it } from 'vitest'
import { MemoryGenerationStore } from '#lib/adapters/memory/memory-generation-store.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { RecentGenerations } from '#lib/domain/process/generations/generation-store.ts'
import { updateWindows } from '#lib/domain/process/update-windows.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { eventContract } from '#test/support/event-product.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { GenerationCell } from '#test/support/generation-cell.ts'

const SECOND = 1_000_000
const NOON = Date.UTC(2025, 11, 31, 12) * 1000
const at = (seconds: number) => NOON + seconds * SECOND

const SUMS: ViewDefinition = {
  name: 'amounts',
  description: 'Amounts per key and ten seconds.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 10 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'amount', function: 'sum', field: 'amount' },
  ],
  freshnessSeconds: 60,
}
/** The same view under its old name, with another meaning of one aggregate. */
const GREATEST: ViewDefinition = {
  ...SUMS,
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'amount', function: 'max', field: 'amount' },
  ],
}

let ids = 0
function event(key: string, seconds: number, amount: number) {
  return { id: `e${ids++}`, key, time: at(seconds), amount }
}

async function filledCell(views: readonly ViewDefinition[] = [SUMS]): Promise<GenerationCell> {
  const contract = eventContract({ allowedLatenessSeconds: 5, outOfOrdernessSeconds: 0 })
  const cell = new GenerationCell(contract, views)
  await cell.send('s0', at(60), [event('x', 1, 100), event('x', 2, 250), event('y', 3, 7)])
  await cell.send('s1', at(60), [event('x', 4, 30), event('x', 31, 1)])
  await cell.send('s0', at(60), [event('x', 32, 2)])
  await cell.live()
  return cell
}

async function amountOf(cell: GenerationCell, seconds: number) {
  const { generation, values } = await cell.features('amounts', 'x', at(seconds))
  return `${generation}: ${values.events} ${values.amount}`
}

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'accepted',
    (error: { code?: string }) => error.code,
  )

describe('a view that is computed anew by another definition', () => {
  it('is compared where it means the same, switched to, fed on, and switched back', async () => {
    const cell = await filledCell()
    cell.views = [GREATEST]
    await cell.replay({ into: 'v2' })
    await cell.live()

    expect(await cell.compare('v2')).toMatchObject({
      equal: true,
      views: [{ aggregates: ['events'], redefined: ['amount'], slots: { equal: 5 } }],
    })
    expect(await amountOf(cell, 5)).toBe('v1: 3 3.80')
    expect(await cell.switch('v2')).toMatchObject({ from: 'v1', to: 'v2', isSwitched: true })
    expect(await amountOf(cell, 5)).toBe('v2: 3 2.50')

    // Before the new definition is deployed, and after it: both generations go on as they were begun.
    await cell.send('s0', at(61), [event('x', 52, 900), event('x', 53, 50)])
    await cell.live()
    expect(await amountOf(cell, 55)).toBe('v2: 2 9.00')
    cell.cell.views = [GREATEST]
    await cell.send('s1', at(61), [event('x', 54, 1000)])
    await cell.live()
    expect(await amountOf(cell, 55)).toBe('v2: 3 10.00')

    await cell.switch('v1')
    expect(await amountOf(cell, 5)).toBe('v1: 3 3.80')
    expect(await amountOf(cell, 55)).toBe('v1: 3 19.50')
    await cell.send('s0', at(62), [event('x', 55, 10)])
    await cell.live()
    expect(await amountOf(cell, 56)).toBe('v1: 4 19.60')
  })

  it('may have a version of its own, which its deployment does not begin anew', async () => {
    const cell = await filledCell()
    cell.views = [{ ...GREATEST, version: 2 }]
    await cell.replay({ into: 'v2' })
    await cell.live()
    await cell.switch('v2')
    cell.cell.views = cell.views
    await cell.live()

    expect(await amountOf(cell, 5)).toBe('v2: 3 2.50')
    const states = new Set(cell.cell.slots.all().map(({ view }) => view))
    expect(states).toEqual(new Set(['amounts', 'v2.amounts.v2']))
  })

  it('keeps in each generation the major of the contract that it was begun with', async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })
    await cell.live()
    cell.cell.contracts = versionsOf([
      cell.cell.contract,
      { ...cell.cell.contract, version: '2.0.0' },
    ])

    expect(await codeOf(cell.live())).toBe('accepted')
    expect(await amountOf(cell, 5)).toBe('v1: 3 3.80')
    await cell.switch('v2')
    expect(await amountOf(cell, 5)).toBe('v2: 3 3.80')
  })

  it('may be deployed already, while the live generation stands still', async () => {
    const cell = await filledCell()
    cell.cell.views = [GREATEST]
    cell.views = [GREATEST]
    await cell.send('s0', at(61), [event('x', 52, 900)])
    expect(await codeOf(cell.live())).toBe('view.redefined')

    await cell.replay({ into: 'v2' })
    expect(await codeOf(cell.live()), 'as long as the old one is live').toBe('view.redefined')
    expect(await cell.switch('v2')).toMatchObject({ isSwitched: true })

    await cell.send('s0', at(61), [event('x', 53, 950)])
    await cell.live()
    expect(await amountOf(cell, 55)).toBe('v2: 2 9.50')
  })

  it('can be compared only in what both generations hold', async () => {
    const ever: ViewDefinition = { ...SUMS, name: 'ever', window: { kind: 'running' } }
    const cell = await filledCell([SUMS, ever])
    cell.views = [{ ...SUMS, window: { kind: 'tumbling', sizeSeconds: 20 } }]
    await cell.replay({ into: 'v2' })

    const { equal, views } = await cell.compare('v2')

    expect(equal, 'nothing compared proves nothing').toBe(false)
    expect(views.map(({ view, notCompared }) => [view, notCompared])).toEqual([
      ['amounts', 'the windows differ'],
      ['ever', 'only v1 has this view'],
    ])
  })

  it('leaves views that the live generation does not hold where they are', async () => {
    const ever: ViewDefinition = { ...SUMS, name: 'ever', window: { kind: 'running' } }
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })
    await cell.live()
    await cell.switch('v2')
    cell.cell.views = [SUMS, ever]
    await cell.live()

    expect(await cell.features('ever', 'x', at(60))).toMatchObject({
      generation: 'v1',
      values: { events: 5 },
    })
    await cell.drop('v1')
    await cell.live()
    expect((await cell.features('ever', 'x', at(60))).values.events).toBe(5)
    expect(cell.cell.slots.all().filter(({ view }) => view === 'amounts')).toEqual([])
  })
})

describe('a comparison', () => {
  const replayed = async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })
    return cell
  }
  const slotOf = (cell: GenerationCell, view: string, key = 'x') =>
    cell.cell.slots.all().find((slot) => slot.view === view && slot.key === key)!

  it('finds a value that was changed, and names view, key and window', async () => {
    const cell = await replayed()
    const slot = slotOf(cell, 'v2.amounts', 'y')
    const amount = (slot.states.amount as [string, ...unknown[]]).with(-1, 8)
    await cell.cell.slots.write({ ...slot, states: { ...slot.states, amount } }, slot.sequence)

    const compared = await cell.compare('v2')

    expect(compared).toMatchObject({ equal: false, views: [{ slots: { different: 1 } }] })
    expect(compared.differences).toMatchObject([
      {
        view: 'amounts',
        what: 'slot',
        key: 'y',
        window: { start: '2025-12-31T12:00:00.000Z', end: '2025-12-31T12:00:10.000Z' },
      },
    ])
    const [{ left, right }] = compared.differences as [(typeof compared.differences)[number]]
    expect([String(left!.amount), String(right!.amount)]).toEqual(['0.07', '0.08'])
  })

  it('finds a slot that is missing in either, and lists no more than it was asked for', async () => {
    const cell = await replayed()
    const slot = slotOf(cell, 'v2.amounts')
    await cell.cell.slots.write({ ...slot, key: 'nobody' }, undefined)
    await cell.cell.slots.expire([slot], 0)
    cell.cell.slots.dropExpired(1)

    const compared = await cell.compare('v2', { limit: 1 })

    expect(compared).toMatchObject({
      equal: false,
      views: [{ slots: { onlyLeft: 1, onlyRight: 1, different: 0, expired: 0 } }],
    })
    expect(compared.differences).toHaveLength(1)
  })

  it('takes slots of final windows that expired in the old generation for what they are', async () => {
    const cell = await replayed()
    const slot = slotOf(cell, 'amounts', 'y')
    await cell.cell.slots.expire([slot], 0)
    cell.cell.slots.dropExpired(1)

    expect(await cell.compare('v2')).toMatchObject({
      equal: true,
      views: [{ slots: { expired: 1, onlyRight: 0 } }],
    })
  })

  it('finds a final row that differs', async () => {
    const cell = await filledCell()
    // The old generation has a row that it should not have: as if it had been computed by other code.
    cell.views = [{ ...SUMS, aggregates: SUMS.aggregates }]
    const { slots } = cell.cell
    const slot = slotOf(cell, 'amounts', 'y')
    await cell.replay({ into: 'v2' })
    const fake = { ...slot, paneStart: at(40), sequence: slot.sequence }
    await slots.addMembers('amounts', 's0', new Map([[at(40), ['y']]]))
    await slots.write(fake, undefined)
    await cell.send('s0', at(120), [event('x', 80, 2)])
    await cell.send('s1', at(120), [event('x', 80, 2)])
    await cell.live()

    const compared = await cell.compare('v2')

    expect(compared).toMatchObject({ equal: false, views: [{ finalRows: { onlyLeft: 1 } }] })
    expect(compared.differences.map(({ what }) => what)).toContain('final row')
  })

  it('does not call a generation different that is merely behind', async () => {
    const cell = await replayed()
    await cell.send('s0', at(61), [event('x', 40, 2)])
    const { contracts, journal, objects, slots, clock, layout } = cell.cell
    const alone = { contracts, views: [SUMS], journal, objects, slots, clock, layout }
    await updateWindows(alone)

    expect(await cell.compare('v2'), 'not different, and not proven equal').toMatchObject({
      equal: false,
      differences: [],
      views: [{ slots: { different: 0, onlyLeft: 0, moving: 1 } }],
    })
    const compared = await cell.compare('v2', { pause: () => cell.live() })
    expect(compared).toMatchObject({ equal: true, views: [{ slots: { moving: 0 } }] })
  })

  it('of a generation that nobody knows is refused', async () => {
    const cell = await replayed()

    await expect(cell.compare('v3')).rejects.toMatchObject({
      code: 'replay.unknown',
      message: 'unknown generation "v3": known are v1, v2',
    })
  })
})

describe('a switch', () => {
  it('is refused while the replay is incomplete, unless somebody says why', async () => {
    const cell = await filledCell()
    const process = new FaultyProcess(4, 'dies before')
    await cell.replay({ into: 'v2' }, process).catch(() => undefined)

    expect(await codeOf(cell.switch('v2'))).toBe('replay.incomplete')
    expect(await amountOf(cell, 5)).toMatch(/^v1/)
    const report = await cell.switch('v2', 'v1 is wrong by far')

    expect(report.overridden).toMatch(/incomplete/)
    expect((await cell.cell.generations.load())!.generations.switches).toMatchObject([
      { from: 'v1', to: 'v2', reason: 'v1 is wrong by far' },
    ])
    // Whoever answers is fed, and the replay may still go on.
    await cell.live()
    await cell.replay({ into: 'v2' })
    expect(await amountOf(cell, 5)).toBe('v2: 3 3.80')
  })

  it('is refused before the deployed functions know of the generation', async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })

    expect(await codeOf(cell.switch('v2'))).toBe('replay.notFed')
    await cell.live()
    expect(await codeOf(cell.switch('v2'))).toBe('accepted')
  })

  it('is refused to a generation that is behind, because features would go back in time', async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })
    await cell.live()
    await cell.send('s0', at(61), [event('x', 40, 2)])
    const { contracts, journal, objects, slots, clock, layout } = cell.cell
    await updateWindows({ contracts, views: [SUMS], journal, objects, slots, clock, layout })

    expect(await codeOf(cell.switch('v2'))).toBe('replay.behind')
    await cell.live()
    expect(await codeOf(cell.switch('v2'))).toBe('accepted')
  })

  it.each<Fault>(['dies before', 'dies after', 'answer lost', 'refused'])(
    'that meets "%s" is done or not done, and a repeat does it once',
    async (fault) => {
      const cell = await filledCell()
      await cell.replay({ into: 'v2' })
      await cell.live()
      await cell.switch('v2', undefined, new FaultyProcess(1, fault)).catch(() => undefined)
      await cell.switch('v2')

      const { live, switches } = (await cell.cell.generations.load())!.generations
      expect([live, switches.length]).toEqual(['v2', 1])
    },
  )

  it('reaches readers that remember once their memory is over', async () => {
    const store = new MemoryGenerationStore()
    let now = 0
    const recent = new RecentGenerations(store, { nowMs: () => now, lifetimeMs: 5_000 })
    expect(await recent.current()).toBeUndefined()

    await store.save({ live: 'v2', byName: {}, switches: [] }, undefined)

    now = 4_999
    expect(await recent.current()).toBeUndefined()
    now = 5_000
    expect((await recent.current())?.live).toBe('v2')
  })
})

describe('a generation that is dropped', () => {
  it('leaves nothing behind, and nothing of the others goes', async () => {
    const cell = await filledCell()
    const before = cell.cell.slots.all()
    await cell.replay({ into: 'v2' })
    await cell.live()

    const report = await cell.drop('v2')

    expect(report).toMatchObject({ generation: 'v2', tables: 1 })
    expect(report.items).toBeGreaterThan(5)
    expect(report.objects).toBeGreaterThan(0)
    expect(cell.cell.slots.all()).toEqual(before)
    const table = { database: 'weir', name: 'tests_amounts__v2' }
    expect(await cell.cell.catalog.load(table)).toBeUndefined()
    expect(await cell.drop('v2')).toMatchObject({ items: 0, tables: 0, objects: 0 })
    await cell.live()
    expect(cell.cell.slots.all().every(({ view }) => view === 'amounts')).toBe(true)
  })

  it('is not the one that readers are answered from', async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })

    expect(await codeOf(cell.drop('v1'))).toBe('replay.live')
    expect(await codeOf(cell.drop('v3'))).toBe('replay.unknown')
  })

  it('if it is the first one, goes like any other, and cannot be switched to', async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })
    await cell.live()
    await cell.switch('v2')

    await cell.drop('v1')
    await cell.send('s0', at(61), [event('x', 40, 2)])
    await cell.live()

    expect(cell.cell.slots.all().every(({ view }) => view === 'v2.amounts')).toBe(true)
    expect(await amountOf(cell, 45)).toBe('v2: 1 0.02')
    expect(await codeOf(cell.switch('v1'))).toBe('replay.dropped')
  })

  it('as the last besides the first, leaves the first to what is deployed again', async () => {
    const cell = await filledCell()
    await cell.replay({ into: 'v2' })
    await cell.live()
    await cell.drop('v2')
    cell.cell.views = [GREATEST]
    await cell.send('s0', at(61), [event('x', 40, 2)])

    expect(await codeOf(cell.live())).toBe('view.redefined')
  })
})
