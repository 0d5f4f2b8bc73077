import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { Cell, CellRisks } from './cell/cell.ts'
import { encodeRecord, type SentEvent, validEvent } from './cell/events.ts'
import type { WorkLimits } from './cell/functions.ts'
import { between, type Choices, oneOf } from './kernel/choices.ts'
import { isWrite, provoking } from './kernel/provoking.ts'
import type { Choose, Turn } from './kernel/scheduler.ts'
import { type CellRun, runCell, START_MS, type TraceOptions } from './run-cell.ts'

/** Nothing fails: what happens is only when. */
export const NO_RISKS: CellRisks = {
  calls: { fault: 0, slow: 0, slowMs: 0, latencyMs: 0 },
  invocations: { timeout: 0, coldStart: 0, clockSkew: 0, zombieSlowerMs: 0 },
  deliveries: { again: 0, short: 0, besideMs: 0 },
  bells: { lost: 0, doubled: 0, againMs: [0], late: 0, stray: 0, strayMs: 0 },
}

/** The last two records may come when the windows of the first have become final: then they revise them. */
const PAUSES_MS = [0, 0, 130_000]

/** What lies exactly so far apart is one session. */
const SESSION_GAP_MS = 240_000

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
    invocations: { ...NO_RISKS.invocations, timeout: 0.25, coldStart: oneOf(random, [0.1, 0.5]) },
    deliveries: { again: 0.5, short: 0.6, besideMs: 0 },
    bells: { ...NO_RISKS.bells, lost: 0.2, doubled: 0.5, stray: 0.5 },
  }
  const limits = drawLimits(random)
  const settings = {
    choices,
    risks,
    shards: oneOf(random, [1, 2, 2]),
    deployments: random() < 0.6 ? (['first', 'strict'] as const) : (['first'] as const),
    windows: oneOf(random, ['tumbling', 'sliding', 'session'] as const),
    windowMs: 0,
    gatherMs: 0,
    backoffMs: 0,
    // One record each makes most entries of four.
    batchSize: oneOf(random, [1, 1, 2, 10]),
    ...(limits && { limits }),
  }
  const ranks = choices.random('ranks')
  const plain = random() < 0.5 ? byRank(ranks) : byLot(ranks)
  const choose = random() < 0.4 ? provoking(choices.random('meetings'), plain) : plain
  return runCell({ ...settings, ...options, choose }, (cell) => {
    sendFour(cell, random, {
      pauseMs: oneOf(choices.random('pause'), PAUSES_MS),
      splitAfter: random() < 0.3 ? between(random, 1, 3) : undefined,
      isSpread: settings.shards > 1,
      stepMs: oneOf(random, [900_000, SESSION_GAP_MS, 100_000, 0]),
    })
    if (settings.deployments.length > 1) deployOther(cell, random)
  })
}

/** Other code comes between two turns, or between two calls of an invocation that archives. */
function deployOther(cell: Cell, random: Random): void {
  const next = oneOf(random, ['first', 'strict'] as const)
  if (next === 'first') cell.deploy('strict')
  if (random() < 0.6) {
    cell.deployAmid(next, { atCall: between(random, 1, 12), isGivenUp: random() < 0.8 })
  } else {
    cell.cloud.scheduler.after(0, 'upheaval', `deploy ${next}`, () => cell.deploy(next))
  }
}

/** How much is done at once: now and then so little that four records are cut. */
export function drawLimits(random: Random): WorkLimits | undefined {
  if (random() < 0.6) return undefined
  return {
    entries: between(random, 1, 3),
    windows: between(random, 1, 3),
    rows: between(random, 1, 8),
  }
}

/** Behind open windows, behind closed ones, and behind those whose slots may have gone. */
const SPREAD_LAGS_MS = [200_000, 1_500_000, 1_500_000, 100_000_000]

/** Four records of one or two events, of which some come twice; between them perhaps a split, or a pause. */
export function sendFour(
  { cloud: { stream, scheduler } }: Cell,
  random: Random,
  options: {
    readonly splitAfter?: number | undefined
    readonly pauseMs?: number
    /** Whether they go to several shards, of which the later ones lag behind. */
    readonly isSpread?: boolean
    /** From the events of one record to those of the next. @default as long as it takes for their windows to close */
    readonly stepMs?: number
  } = {},
): void {
  const { splitAfter, pauseMs = 0, isSpread = false, stepMs = 900_000 } = options
  const known: SentEvent[] = []
  for (let n = 1; n <= 4; n++) {
    const place = isSpread ? random() : 0.1
    const lagMs = place < 0.5 ? 0 : oneOf(random, SPREAD_LAGS_MS)
    const events = Array.from({ length: between(random, 1, 2) }, (_, at) => {
      const again = known[0]
      if (again !== undefined && random() < 0.4) return again
      const event = validEvent({
        source: 'race',
        id: `${n}.${at}`,
        atMicros: (START_MS + n * stepMs - lagMs) * 1000,
        key: 'a',
        // Every second one is rejected by strict code.
        cents: n % 2 === 0 ? 100 + n : 2_100 + n,
      })
      known.push(event)
      return event
    })
    const content = { name: `r${n}`, events, isDecodable: true }
    scheduler.after(n > 2 ? pauseMs : 0, 'sender', `record ${n}`, () => {
      stream.accept({ place, data: encodeRecord(() => 0, events), content })
      if (n === splitAfter) stream.split(stream.shards[0]!.id)
    })
  }
}

/** How fast an actor may be beside others, by lot, and how often that changes. */
const SPEEDS = [1, 0.2, 0.03]
const SPEED_CHANGES = 0.1
/** How much longer a write waits: whoever reads before it and writes after it meets what it did. */
const HESITATION = 0.4

/** Whoever is drawn; some are faster for a while. */
function byLot(random: Random): Choose {
  const speeds = new Map<string, number>()
  return (due) => {
    for (const { actor } of due) if (!speeds.has(actor)) speeds.set(actor, oneOf(random, SPEEDS))
    const chances = due.map((turn) => speeds.get(turn.actor)! * (isWrite(turn) ? HESITATION : 1))
    let left = random() * chances.reduce((sum, chance) => sum + chance, 0)
    const drawn = chances.findIndex((chance) => {
      left -= chance
      return left < 0
    })
    const at = Math.max(0, drawn)
    if (random() < SPEED_CHANGES) speeds.set(due[at]!.actor, oneOf(random, SPEEDS))
    return at
  }
}

/** Of the turns that are due, that of the actor with the highest rank; its own in their order. */
function byRank(random: Random): Choose {
  const ranks = new Map<string, number>()
  const preemption = PREEMPTIONS[Math.floor(random() * PREEMPTIONS.length)]!
  let lowest = 0
  const highest = (due: readonly Turn[]) => {
    let first = 0
    for (let at = 1; at < due.length; at++) {
      if (ranks.get(due[at]!.actor)! > ranks.get(due[first]!.actor)!) first = at
    }
    return first
  }
  return (due) => {
    for (const { actor } of due) if (!ranks.has(actor)) ranks.set(actor, random())
    if (random() < preemption) {
      const fallen = due[Math.floor(random() * due.length)]!
      ranks.set(fallen.actor, --lowest)
    }
    const first = highest(due)
    // Who stops just before he writes what he made of his reading gives the others most to do.
    if (!isWrite(due[first]!) || random() >= 2 * preemption) return first
    ranks.set(due[first]!.actor, --lowest)
    return highest(due)
  }
}
