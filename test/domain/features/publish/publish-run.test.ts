import { expect, it } from 'vitest'
import type { PublishRun } from '#lib/domain/features/publish/publish-run.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { type Fault, FaultyProcess, InjectedFault } from '#test/support/faults.ts'
import { FeatureCell } from '#test/support/feature-cell.ts'
import { eventText, feed, randomEvents } from '#test/support/random-events.ts'

const START_MS = Date.UTC(2025, 11, 28)
const CUT = '2025-12-31T00:00:00.000Z'

const hourly: ViewDefinition = {
  name: 'hourly',
  description: 'By key and hour.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'share', function: 'quantile', field: 'share', q: 0.5 },
  ],
  freshnessSeconds: 3600,
}
const views: readonly ViewDefinition[] = [
  hourly,
  {
    ...hourly,
    name: 'rolling',
    window: { kind: 'sliding', sizeSeconds: 7200, slideSeconds: 3600 },
  },
  { ...hourly, name: 'nightly', window: { kind: 'running' }, serving: 'batch' },
  { ...hourly, name: 'total', window: { kind: 'running' } },
]

async function fedCell(days = 3): Promise<FeatureCell> {
  const cell = new FeatureCell(views)
  const random = seededRandom(5)
  await feed(cell.cell, randomEvents(random, { startMs: START_MS, days, count: 70 }), {
    arrivalMs: START_MS + 4 * 86_400_000,
  })
  return cell
}

/** What readers can see, without the moment of publishing. */
async function outcome({ buffers, publications }: FeatureCell) {
  const { byView } = (await publications.load())?.publications ?? { byView: {} }
  const live = Object.entries(byView).map(([view, { live: one }]) => {
    if (one === undefined) return [view]
    const { publishedAtMs: _, ...rest } = one
    return [view, rest]
  })
  return { items: buffers.all(), live }
}

it('publishes each view but running totals that the stream has whole', async () => {
  const cell = await fedCell()
  const steps = await cell.publish('one', { cut: CUT })

  expect([...new Set(steps.map(({ phase }) => phase))]).toEqual([
    ...['plan', 'compute', 'write', 'count', 'gate', 'point', 'done'],
  ])
  const { live } = await outcome(cell)
  expect(live.map(([view]) => view)).toEqual(['hourly', 'rolling', 'nightly'])
  expect((await cell.audit.list('hourly', 10)).map(({ kind }) => kind)).toEqual([
    'published',
    'readiness',
  ])
})

it('killed at any effect and resumed, the result is that of a run that was not', async () => {
  const fed = await fedCell()
  const whole = await fed.copy()
  const counting = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')
  const at = fed.cell.clock.ms
  await whole.publish('one', { cut: CUT }, counting)
  const expected = await outcome(whole)
  expect(expected.items.length).toBeGreaterThan(10)

  for (const fault of ['dies before', 'dies after'] satisfies Fault[]) {
    for (let effect = 1; effect <= counting.log.length; effect++) {
      const cell = await fed.copy()
      fed.cell.clock.ms = at
      const dying = new FaultyProcess(effect, fault)
      const died = await cell.publish('one', { cut: CUT }, dying).catch((error: unknown) => error)
      expect(died, dying.log.at(-1)).toBeInstanceOf(InjectedFault)
      // Until the last write readers see nothing of it.
      const { live } = await outcome(cell)
      const seen = live.filter((one) => one.length > 1).length
      expect([0, 3]).toContain(seen)
      if (fault === 'dies before' && dying.log.at(-1) === 'save publications') expect(seen).toBe(0)

      fed.cell.clock.ms = at
      await cell.publish('one', { cut: CUT })

      expect(await outcome(cell), `${fault} ${dying.log.at(-1)}`).toEqual(expected)
    }
  }
})

it('resumed from each step as it was handed over, likewise', async () => {
  const fed = await fedCell()
  const at = fed.cell.clock.ms
  const whole = await fed.copy()
  const steps = await whole.publish('one', { cut: CUT })
  const expected = await outcome(whole)

  for (const step of steps.filter(({ done }) => !done)) {
    // Every step once more, after all of it.
    fed.cell.clock.ms = at
    await whole.publish('one', step)
    expect(await outcome(whole), JSON.stringify(step)).toEqual(expected)
  }
})

it('what arrives while it runs is for the next run', async () => {
  const cell = await fedCell()
  const random = seededRandom(8)
  const late = eventText({ id: 'late', atMs: START_MS + 2 * 86_400_000, key: 'a' }, random)
  const begun = (await cell.publish('one', { cut: CUT })).find(({ phase }) => phase === 'compute')!
  const expected = await outcome(cell)
  const other = await fedCell()
  await other
    .publish('one', { cut: CUT, phase: 'plan' }, new FaultyProcess(2, 'dies before'))
    .catch(() => undefined)
  await feed(other.cell, [late], { arrivalMs: START_MS + 5 * 86_400_000 })
  await other.publish('one', { ...begun, at: 0 })

  const digests = (of: typeof expected) =>
    of.items.map(({ key, view, values }) => [key, view, values])
  expect(digests(await outcome(other))).toEqual(digests(expected))

  await other.publish('two', { cut: CUT })
  const changed = await outcome(other)
  expect(changed.items.filter(({ version }) => version === 2).length).toBeGreaterThan(0)
  expect(changed.live).not.toEqual(expected.live)
})

it('computes only what has changed since the run before', async () => {
  const cell = await fedCell()
  await cell.publish('one', { cut: CUT })
  const random = seededRandom(8)
  const event = eventText({ id: 'new', atMs: START_MS + 2 * 86_400_000 + 1, key: 'a' }, random)
  await feed(cell.cell, [event], { arrivalMs: START_MS + 5 * 86_400_000 })
  const process = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')

  await cell.publish('two', { cut: CUT }, process)

  const states = process.log.filter((one) => one.includes('/states/') && one.includes('/done.json'))
  expect(states).toHaveLength(3)
})

it('waits for data until half an hour after the cut, then refuses', async () => {
  const cell = await fedCell()
  cell.isIdle = false
  const at = (minutes: number) => {
    cell.cell.clock.ms = Date.parse('2026-01-01T00:00:00Z') + minutes * 60_000
  }
  const states = async (): Promise<PublishRun | undefined> =>
    (await cell.publish('one', { cut: '2026-01-01T00:00:00Z' })).at(-1)
  // The stream is known to hold more, so the newest event says how far it is complete: two days before the cut.
  cell.cell.shards.listed.set('shard-0', [])
  const deps = cell.dependencies()
  Object.assign(deps.stream, { parents: async () => new Map([['shard-0', []]]) })
  cell.dependencies = () => deps

  at(10)
  expect(await states()).toMatchObject({ phase: 'plan', done: false, waitSeconds: 60 })
  at(31)
  await expect(states()).rejects.toMatchObject({
    code: 'features.notReady',
    message: expect.stringMatching(
      /^hourly: completeness: complete up to 2025-12-30T.*wanted 2026-01-01T00/,
    ),
  })
  expect((await outcome(cell)).live).toEqual([])
})

it('a day with far fewer rows than usual is published by nobody but a person, who says why', async () => {
  const cell = await fedCell()
  const random = seededRandom(2)
  const few = eventText({ id: 'few', atMs: START_MS + 3 * 86_400_000, key: 'a' }, random)
  await feed(cell.cell, [few], { arrivalMs: START_MS + 5 * 86_400_000 })
  const cut = '2026-01-01T00:00:00Z'
  cell.cell.clock.ms = START_MS + 6 * 86_400_000

  await expect(cell.publish('one', { cut })).rejects.toMatchObject({
    code: 'features.notReady',
    message: expect.stringContaining('rows: 1 rows in the last whole day before the cut, '),
  })
  expect((await outcome(cell)).live.filter((one) => one.length > 1)).toEqual([])

  await cell.publish('one', { cut, override: 'strike: there was no traffic' })
  expect((await outcome(cell)).live.filter((one) => one.length > 1)).toHaveLength(3)
  const records = await cell.audit.list('hourly', 9)
  expect(records.find(({ kind }) => kind === 'override')).toMatchObject({
    kind: 'override',
    by: 'ops',
    reason: 'strike: there was no traffic',
  })
})

it('a buffer from which an item is gone is not published', async () => {
  const cell = await fedCell()
  const steps = await cell.publish('one', { cut: CUT })
  const counting = steps.find(({ phase }) => phase === 'count')!
  const other = await fedCell()
  const process = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')
  const deps = other.dependencies(process)
  other.dependencies = () => ({
    ...deps,
    buffers: {
      ...deps.buffers,
      // An item that was acknowledged and is not there: no store should, and none is believed.
      write: async (items) => {
        await deps.buffers.write(items.slice(1))
        return items.map(() => true)
      },
    },
  })

  await expect(other.publish('one', { cut: CUT })).rejects.toMatchObject({
    code: 'features.bufferIncomplete',
  })
  expect(counting.done).toBe(false)
  expect((await outcome(other)).live.every((one) => one.length === 1)).toBe(true)
})
