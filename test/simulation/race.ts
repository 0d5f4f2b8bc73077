import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { Cell, CellRisks } from './cell/cell.ts'
import { encodeRecord, type SentEvent, validEvent } from './cell/events.ts'
import { between, type Choices, oneOf } from './kernel/choices.ts'
import type { Choose } from './kernel/scheduler.ts'
import { type CellRun, runCell, START_MS, type TraceOptions } from './run-cell.ts'

/** Nothing fails: what happens is only when. */
export const NO_RISKS: CellRisks = {
  calls: { fault: 0, slow: 0, slowMs: 0, latencyMs: 0 },
  invocations: { timeout: 0, coldStart: 0, clockSkew: 0 },
  deliveries: { again: 0, short: 0 },
  bells: { lost: 0, doubled: 0, late: 0 },
}

/** How often a run may be preempted; few make deep races likely, many make odd ones. */
const PREEMPTIONS = [0.02, 0.05, 0.2]

/**
 * Four records and no faults, but batches that come again and invocations that time out and go on: all that differs
 * is who comes next. Who has the higher rank goes first, and at a few moments somebody falls to the lowest.
 */
export function simulateRace(choices: Choices, options: TraceOptions): Promise<CellRun> {
  const random = choices.random('race')
  const risks: CellRisks = {
    ...NO_RISKS,
    invocations: { timeout: 0.25, coldStart: 0.5, clockSkew: 0 },
    deliveries: { again: 0.5, short: 0.6 },
    bells: { lost: 0.2, doubled: 0.5, late: 0 },
  }
  const settings = {
    choices,
    risks,
    shards: 1,
    deployments: random() < 0.6 ? (['first', 'strict'] as const) : (['first'] as const),
    windows: oneOf(random, ['tumbling', 'sliding', 'session'] as const),
    windowMs: 0,
    gatherMs: 0,
  }
  return runCell({ ...settings, ...options, choose: byRank(choices.random('ranks')) }, (cell) => {
    sendFour(cell, random, { splitAfter: random() < 0.3 ? between(random, 1, 3) : undefined })
    if (settings.deployments.length === 1) return
    const next = oneOf(random, settings.deployments)
    if (next === 'first') cell.deploy('strict')
    cell.cloud.scheduler.after(0, 'upheaval', `deploy ${next}`, () => cell.deploy(next))
  })
}

/** Four records of one or two events, of which some come twice; between them perhaps a split, or a pause. */
export function sendFour(
  { cloud: { stream, scheduler } }: Cell,
  random: Random,
  options: { readonly splitAfter?: number | undefined; readonly pauseMs?: number } = {},
): void {
  const { splitAfter, pauseMs = 0 } = options
  const known: SentEvent[] = []
  for (let n = 1; n <= 4; n++) {
    const events = Array.from({ length: between(random, 1, 2) }, (_, at) => {
      const again = known[0]
      if (again !== undefined && random() < 0.4) return again
      const event = validEvent({
        source: 'race',
        id: `${n}.${at}`,
        // Each closes windows of those before it.
        atMicros: (START_MS + n * 900_000) * 1000,
        key: 'a',
        // Every second one is rejected by strict code.
        cents: n % 2 === 0 ? 100 + n : 2_100 + n,
      })
      known.push(event)
      return event
    })
    const content = { name: `r${n}`, events, isDecodable: true }
    scheduler.after(n > 2 ? pauseMs : 0, 'sender', `record ${n}`, () => {
      stream.accept({ place: 0.1, data: encodeRecord(() => 0, events), content })
      if (n === splitAfter) stream.split(stream.shards[0]!.id)
    })
  }
}

/** Of the turns that are due, that of the actor with the highest rank; its own in their order. */
function byRank(random: Random): Choose {
  const ranks = new Map<string, number>()
  const preemption = PREEMPTIONS[Math.floor(random() * PREEMPTIONS.length)]!
  let lowest = 0
  return (due) => {
    for (const { actor } of due) if (!ranks.has(actor)) ranks.set(actor, random())
    if (random() < preemption) {
      const fallen = due[Math.floor(random() * due.length)]!
      ranks.set(fallen.actor, --lowest)
    }
    let first = 0
    for (let at = 1; at < due.length; at++) {
      if (ranks.get(due[at]!.actor)! > ranks.get(due[first]!.actor)!) first = at
    }
    return first
  }
}
