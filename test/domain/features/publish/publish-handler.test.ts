import { expect, it } from 'vitest'
import { makeHandler } from '#functions/features/publish-features/handler.ts'
import type { PublishRun } from '#lib/domain/features/publish/publish-run.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { FeatureCell } from '#test/support/feature-cell.ts'
import { feed, randomEvents } from '#test/support/random-events.ts'

const START_MS = Date.UTC(2025, 11, 28)
const hourly: ViewDefinition = {
  name: 'hourly',
  description: 'By key and hour.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [{ name: 'events', function: 'count' }],
  freshnessSeconds: 3600,
}
const MINUTES = 60_000
/** An invocation that has all of its fifteen minutes left. */
const time = { getRemainingTimeInMillis: () => 15 * MINUTES }

async function publishing() {
  const cell = new FeatureCell([hourly])
  await feed(cell.cell, randomEvents(seededRandom(1), { startMs: START_MS, days: 3, count: 60 }), {
    arrivalMs: START_MS + 4 * 86_400_000,
  })
  const { shallStop: _, ...deps } = cell.dependencies()
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const handler = makeHandler({ ...deps, log: log as never })
  return { cell, handler: handler as (event: unknown, of: typeof time) => Promise<PublishRun> }
}

const begun = { execution: { name: 'nightly-1' }, by: 'schedule', cut: '2025-12-31T00:00:00Z' }

it('goes from phase to phase under the name of the execution, and keeps what the caller keeps', async () => {
  const { handler, cell } = await publishing()
  const phases: string[] = []
  let event: PublishRun | (typeof begun & { function: string }) = { ...begun, function: 'f' }
  do {
    event = await handler(event, time)
    phases.push(event.phase)
    expect(event).toMatchObject({ run: 'nightly-1', function: 'f' })
  } while (!(event as PublishRun).done)

  expect(phases).toEqual(['compute', 'write', 'count', 'gate', 'point', 'done'])
  const { byView } = (await cell.publications.load())!.publications
  expect(byView.hourly!.live).toMatchObject({ run: 'nightly-1', by: 'schedule' })
})

it('hands over when its time is nearly up, or what it may take is spent', async () => {
  const { handler } = await publishing()
  const planned = await handler(begun, time)
  const nearlyUp = { getRemainingTimeInMillis: () => 3 * MINUTES }

  expect(await handler(planned, nearlyUp)).toMatchObject({ phase: 'compute', at: 1 })
  let left = 15 * MINUTES
  const passing = { getRemainingTimeInMillis: () => (left -= 2_000) }
  expect(await handler({ ...planned, budgetSeconds: 1 }, passing)).toMatchObject({
    phase: 'compute',
    at: 1,
  })
})

it('names what a repeat cannot mend, so that the state machine does not repeat it', async () => {
  const { handler } = await publishing()

  await expect(handler({ by: 'ops' }, time)).rejects.toMatchObject({ name: 'features.badRequest' })
  await expect(handler({ ...begun, run: '../x' }, time)).rejects.toThrow(/run: /)
  await expect(handler({ ...begun, cut: 'soon' }, time)).rejects.toMatchObject({
    name: 'features.badCut',
  })
  await expect(handler({ ...begun, views: ['none'] }, time)).rejects.toMatchObject({
    name: 'features.unknownView',
  })
})
