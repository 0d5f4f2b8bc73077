import { expect, it } from 'vitest'
import { makeHandler } from '#functions/features/get-features/handler.ts'
import { rollBackPublication } from '#lib/domain/features/publish/publish.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'
import { FeatureCell } from '#test/support/feature-cell.ts'
import {
  eventContract,
  eventText,
  feed,
  KEY_FIELDS,
  randomEvents,
} from '#test/support/random-events.ts'
import { RandomViews } from '#test/support/random-views.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2025, 11, 27)
const CUT_MS = START_MS + 2 * DAY_MS
const cut = new Date(CUT_MS).toISOString()

const hourly: ViewDefinition = {
  name: 'hourly',
  description: 'By key and hour.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'sum', function: 'sum', field: 'price' },
  ],
  freshnessSeconds: 7200,
}
const rolling: ViewDefinition = {
  ...hourly,
  name: 'rolling',
  window: { kind: 'sliding', sizeSeconds: 4 * 3600, slideSeconds: 3600 },
}
const nightly: ViewDefinition = {
  ...hourly,
  name: 'nightly',
  window: { kind: 'running' },
  serving: 'batch',
}

type Answers = { readonly results: readonly Record<string, unknown>[] }

/** A process that answers, as cold as the next one. */
function reader({ cell, publications, buffers }: FeatureCell) {
  const { contracts, views, generations, slotsOf, clock } = cell
  const handler = makeHandler({
    contracts,
    views,
    generations,
    slotsOf,
    publications,
    buffers,
    clock,
  })
  return async (request: unknown) => JSON.parse(JSON.stringify(await handler(request)))
}

const at = (hours: number) => new Date(CUT_MS + hours * 3_600_000).toISOString()

/** Events at hours from the cut, of price 1; the last one is the newest. */
async function sent(cell: FeatureCell, key: string, ...hours: readonly number[]) {
  const random = seededRandom(1)
  const texts = hours.map((hour) => {
    const id = `${key} ${hour} ${cell.cell.clock.nowMs()}`
    return eventText({ id, atMs: CUT_MS + hour * 3_600_000, key, price: 1 }, random)
  })
  await feed(cell.cell, texts, { arrivalMs: CUT_MS + 2 * DAY_MS, atOnce: 1 })
  await cell.cell.update()
}

const lateContract = { ...eventContract, allowedLatenessSeconds: 0, outOfOrdernessSeconds: 0 }

it.each([1, 2, 3])(
  'batch and stream merged give what the stream alone would, whatever the view and the time (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const made = new RandomViews(eventContract, random)
    const views = Array.from({ length: 16 }, (_, n) => made.view(`view-${n}`, KEY_FIELDS))
    const cell = new FeatureCell(views.filter(isAccepted))
    await feed(cell.cell, randomEvents(random, { startMs: START_MS, days: 4, count: 240 }), {
      arrivalMs: START_MS + 5 * DAY_MS,
    })
    await cell.cell.update()
    const middle = CUT_MS + 700_000
    const requests = cell.cell.views.flatMap(({ name }) =>
      ['a', 'ä', "b'c", 'd e', '-1', '0', '1', '2', 'true', 'false'].map((key) => ({
        view: name,
        key,
      })),
    )
    const answers = async () => {
      const ask = reader(cell)
      const all: Answers[] = []
      for (const seconds of [0, 60, 700, 1300, 2100, 86_400, 90_000, 400_000]) {
        all.push(await ask({ requests, at: new Date(middle + seconds * 1000).toISOString() }))
      }
      return all
    }

    const ofStream = await answers()
    await cell.publish('one', { cut: new Date(middle).toISOString(), override: 'made up' })
    const merged = await answers()

    const sources = new Set(merged.flatMap(({ results }) => results.map(({ source }) => source)))
    expect(sources).toContain('batch')
    expect(sources).toContain('both')
    expect(comparable(merged)).toEqual(comparable(ofStream))
  },
)

/** Without what tells where it came from. */
function comparable(answers: readonly Answers[]) {
  return answers.map(({ results }) =>
    results.map(({ view, key, window, values, stale }) =>
      window === null ? { view, key, values: 0 } : { view, key, window, values, stale },
    ),
  )
}

function isAccepted(view: ViewDefinition): boolean {
  try {
    const versions = { current: eventContract, majors: [eventContract] }
    checkViews(contractOfView(view, versions as never), [view])
    return true
  } catch {
    return false
  }
}

it('what came too late for the stream is in the next publication, and not before', async () => {
  const cell = new FeatureCell([hourly, rolling], lateContract)
  await sent(cell, 'a', -1.5, -1.2, 1.5)
  await cell.publish('one', { cut })
  const ask = reader(cell)
  const events = async () => {
    const requests = ['hourly', 'rolling'].map((view) => ({ view, key: 'a' }))
    const { results } = (await ask({ requests, at: at(1.9) })) as Answers
    return results.map(({ values, source }) => [(values as { events: number }).events, source])
  }
  expect(await events()).toEqual([
    [1, 'stream'],
    [3, 'both'],
  ])

  // Two hours behind what the shard has shown: the stream leaves it out.
  await sent(cell, 'a', -1.1)
  expect(await events()).toEqual([
    [1, 'stream'],
    [3, 'both'],
  ])

  await cell.publish('two', { cut })
  cell.cell.clock.ms += 10_000
  expect(await events()).toEqual([
    [1, 'stream'],
    [4, 'both'],
  ])
})

it('what belongs behind the cut shows at once', async () => {
  const cell = new FeatureCell([hourly, rolling])
  await sent(cell, 'a', -1.5)
  await cell.publish('one', { cut })
  const ask = reader(cell)
  expect(await ask({ view: 'rolling', key: 'a', at: at(0.9) })).toMatchObject({
    values: { events: 1, sum: 1 },
    source: 'batch',
    window: { start: at(-5), end: at(-1) },
  })

  await sent(cell, 'a', 0.5)

  expect(await ask({ view: 'rolling', key: 'a', at: at(0.9) })).toMatchObject({
    values: { events: 2, sum: 2 },
    source: 'both',
    window: { start: at(-3), end: at(1) },
    stale: false,
  })
})

it('a definition that changes is answered by the stream until it is published itself', async () => {
  const cell = new FeatureCell([{ ...rolling, version: 1 }])
  await sent(cell, 'a', -1.5, 0.5)
  await cell.publish('one', { cut })
  expect(await reader(cell)({ view: 'rolling', key: 'a', at: at(0.9) })).toMatchObject({
    source: 'both',
  })

  const changed: ViewDefinition = {
    ...rolling,
    version: 2,
    aggregates: [{ name: 'events', function: 'sum', field: 'price' }],
  }
  cell.cell.views = [changed]
  await cell.cell.update()
  expect(await reader(cell)({ view: 'rolling', key: 'a', at: at(0.9) })).toMatchObject({
    source: 'stream',
    values: { events: 2 },
  })

  await cell.publish('two', { cut })
  expect(await reader(cell)({ view: 'rolling', key: 'a', at: at(0.9) })).toMatchObject({
    source: 'both',
  })
})

it('a run that began with another definition publishes nothing', async () => {
  const cell = new FeatureCell([rolling])
  await sent(cell, 'a', -1.5)
  const [, , begun] = await cell.publish('one', { cut })
  cell.cell.views = [
    { ...rolling, aggregates: [{ name: 'events', function: 'count', field: 'price' }] },
  ]

  await expect(cell.publish('one', begun)).rejects.toMatchObject({ code: 'features.redefined' })
})

it('a pointer to a buffer that is gone is an error that says what to do, or the publication before', async () => {
  const cell = new FeatureCell([nightly])
  await sent(cell, 'a', -1.5)
  await cell.publish('one', { cut: at(-24) })
  await cell.publish('two', { cut })
  const { live } = (await cell.publications.load())!.publications.byView.nightly!
  const gone = cell.buffers.seal.bind(cell.buffers)
  cell.buffers.seal = async (view, buffer) =>
    buffer === live!.buffer ? undefined : gone(view, buffer)

  expect(await reader(cell)({ view: 'nightly', key: 'a', at: at(1) })).toMatchObject({
    source: 'none',
    stale: true,
  })

  cell.buffers.seal = async () => undefined
  await expect(reader(cell)({ view: 'nightly', key: 'a', at: at(1) })).rejects.toMatchObject({
    code: 'features.bufferMissing',
    message: expect.stringContaining('publish again with `weir features publish`'),
  })
})

it('a key without history is no error', async () => {
  const cell = new FeatureCell([hourly, nightly])
  await sent(cell, 'a', -1.5)
  await cell.publish('one', { cut })
  const requests = ['hourly', 'nightly'].map((view) => ({ view, key: 'nobody' }))

  for (const answer of ((await reader(cell)({ requests, at: at(1) })) as Answers).results) {
    expect(answer).toMatchObject({ source: 'none', result: 'none', stale: true, window: null })
    expect(answer).toMatchObject({ computedAt: null })
  }
})

it('a key that nothing has come of since is answered by what was published, marked stale when it is', async () => {
  const cell = new FeatureCell([hourly])
  await sent(cell, 'a', -5.5)
  await cell.publish('one', { cut })
  // The slots have gone.
  Object.assign(cell.cell.slots, { newestPane: async () => [] })
  const ask = reader(cell)

  expect(await ask({ view: 'hourly', key: 'a', at: at(0) })).toMatchObject({
    values: { events: 1, sum: 1 },
    window: { start: at(-6), end: at(-5) },
    source: 'batch',
    stale: true,
    computedAt: expect.any(String),
  })
  // Before the cut it knows nothing: what was published says how it stood at the cut.
  expect(await ask({ view: 'hourly', key: 'a', at: at(-1) })).toMatchObject({ source: 'none' })
})

it('an item that has expired is not there, whether DynamoDB has removed it or not', async () => {
  const cell = new FeatureCell([nightly])
  await sent(cell, 'a', -1.5)
  await cell.publish('one', { cut })
  const ask = reader(cell)
  expect(await ask({ view: 'nightly', key: 'a' })).toMatchObject({
    source: 'batch',
    values: { events: 1 },
  })

  cell.cell.clock.ms += 36 * DAY_MS
  expect(await ask({ view: 'nightly', key: 'a' })).toMatchObject({ source: 'none' })
})

it('a reader whose pointer is old notices that its buffer is written anew', async () => {
  const cell = new FeatureCell([nightly])
  await sent(cell, 'a', -30)
  await cell.publish('one', { cut: at(-24) })
  const ask = reader(cell)
  const sum = async () => (await ask({ view: 'nightly', key: 'a', at: at(1) })).values.sum
  expect(await sum()).toBe(1)

  await sent(cell, 'a', -10)
  const before = cell.cell.clock.ms
  await cell.publish('two', { cut: at(-6) })
  await sent(cell, 'a', -3)
  const three = await cell.publish('three', { cut })
  expect(three.at(-1)).toMatchObject({ done: true })
  // All of that within the five seconds that a pointer is believed.
  cell.cell.clock.ms = before

  expect(await sum()).toBe(3)
})

it('a rollback brings back exactly the answers of before', async () => {
  const cell = new FeatureCell([rolling, nightly])
  await sent(cell, 'a', -30, -1.5)
  await cell.publish('one', { cut: at(-24) })
  const ask = () =>
    reader(cell)({ requests: ['rolling', 'nightly'].map((view) => ({ view, key: 'a' })) })
  const before = await ask()
  await cell.publish('two', { cut })
  expect(await ask()).not.toEqual(before)

  for (const view of ['rolling', 'nightly']) {
    await rollBackPublication({ store: cell.publications, buffers: cell.buffers }, view)
  }
  expect(await ask()).toEqual(before)
})

it('answers many keys in the order asked for, only what is asked for, and says what is wrong in its place', async () => {
  const strict: ViewDefinition = { ...hourly, name: 'strict', whenStale: 'error' }
  const cell = new FeatureCell([hourly, nightly, strict])
  await sent(cell, 'a', -1.5, -1.4)
  await sent(cell, 'b', -1.5)
  await cell.publish('one', { cut })
  let read = 0
  const readItems = cell.buffers.read.bind(cell.buffers)
  cell.buffers.read = async (keys) => {
    read++
    return readItems(keys)
  }
  const requests = [
    { view: 'nightly', key: 'b' },
    { view: 'strict', key: 'nobody' },
    { view: 'nightly', key: 'a', features: ['sum'] },
    { view: 'hourly', key: 'a', features: ['nothing'] },
    { view: 'nightly', key: 'b' },
  ]

  const { results } = (await reader(cell)({ requests, at: at(1) })) as Answers

  expect(results).toMatchObject([
    { view: 'nightly', key: 'b', values: { events: 1, sum: 1 } },
    { view: 'strict', key: 'nobody', error: { code: 'features.stale' } },
    { view: 'nightly', key: 'a', values: { sum: 2 } },
    { view: 'hourly', key: 'a', error: { code: 'features.unknownFeature' } },
    { view: 'nightly', key: 'b', values: { events: 1, sum: 1 } },
  ])
  expect(results[2]!.values).toEqual({ sum: 2 })
  expect(read).toBe(1)
})

it('refuses what is no request', async () => {
  const ask = reader(new FeatureCell([hourly]))

  await expect(ask({ requests: [] })).rejects.toMatchObject({ code: 'features.badRequest' })
  await expect(ask({ view: 'hourly' })).rejects.toThrow(/^key: /)
  await expect(ask({ requests: [{ view: 'hourly' }] })).rejects.toThrow(/^requests\.0\.key: /)
  await expect(ask({ requests: [{ view: 'other', key: 'a' }] })).rejects.toMatchObject({
    code: 'features.unknownView',
  })
})

it('answers a request to its URL as HTTP wants it', async () => {
  const cell = new FeatureCell([hourly])
  await sent(cell, 'a', -1.5)
  const ask = reader(cell)
  const post = async (body: string, more: object = {}) => {
    const event = { requestContext: { http: { method: 'POST' } }, body, ...more }
    const { statusCode, body: text } = await ask(event)
    return [statusCode, JSON.parse(text)]
  }
  const request = JSON.stringify({ view: 'hourly', key: 'a', at: at(0) })

  expect(await post(request)).toMatchObject([200, { values: { events: 1, sum: 1 } }])
  const encoded = Buffer.from(request).toString('base64')
  expect(await post(encoded, { isBase64Encoded: true })).toMatchObject([200, { key: 'a' }])
  expect(await post('{')).toMatchObject([400, { error: { code: 'features.badRequest' } }])
  expect(await post('{"view":"none","key":"a"}')).toMatchObject([
    404,
    { error: { code: 'features.unknownView' } },
  ])
  const get = { requestContext: { http: { method: 'GET' } } }
  expect(await post(request, get)).toMatchObject([
    400,
    { error: { message: 'POST the request as JSON' } },
  ])
})
