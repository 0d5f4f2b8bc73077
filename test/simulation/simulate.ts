import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { Cell, type CellRisks } from './cell/cell.ts'
import { plotForeignWork } from './cell/foreign-engine.ts'
import { runProducer } from './cell/producer.ts'
import type { Deployment } from './cell/product.ts'
import { runReader } from './cell/reader.ts'
import { plotUpheavals } from './cell/upheavals.ts'
import { between, oneOf, SeededChoices } from './kernel/choices.ts'
import { Scheduler } from './kernel/scheduler.ts'
import { Trace } from './kernel/trace.ts'

export interface RunOptions {
  /** Only these deviations are taken: a shrunk schedule. */
  readonly only?: ReadonlySet<string>
  /** Takes each line of the trace. */
  readonly write?: (line: string) => void
  /** Whether the steps are hashed; `write` implies it. */
  readonly isTraced?: boolean
}

export interface RunResult {
  readonly seed: number
  readonly events: number
  readonly faults: number
  readonly turns: number
  readonly failure?: string
  /** The deviations of this run, by name. */
  readonly deviations: readonly string[]
  readonly hash?: string
}

const START_MS = Date.UTC(2026, 2, 30, 21, 30)

/** One cell's life in virtual time, all of it decided by the seed. */
export async function simulate(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const choices = new SeededChoices(seed, options.only)
  const isTraced = options.write !== undefined || options.isTraced === true
  const trace = isTraced ? new Trace(options.write) : undefined
  const scheduler = new Scheduler({
    startMs: START_MS,
    ...(trace && { onTurn: (turn, nowMs) => trace.add(nowMs, turn.actor, `> ${turn.label}`) }),
  })
  const random = choices.random('settings')
  const sends = between(random, 4, 12)
  const deployments = drawDeployments(random)
  const cell = new Cell({
    scheduler,
    choices,
    risks: drawRisks(choices),
    shards: between(random, 1, 3),
    deployments: ['first', ...deployments],
    log: (actor, what) => trace?.add(scheduler.nowMs, actor, `  ${what}`),
  })
  const { stream } = cell.cloud
  // Half of what is sent comes without a long pause.
  const spanMs = sends * 6_000
  plotUpheavals(cell, {
    spanMs,
    reshards: oneOf(random, [0, 0, 1, 2, 3]),
    outage: 0.15,
    deployments,
  })
  plotForeignWork(cell, oneOf(random, [0, 0, 1, 2]), 2 * spanMs)
  scheduler.spawn(() =>
    runReader(cell.cloud, cell.windows, 'reader', { reads: 6, spanMs: 2 * spanMs }),
  )
  const producers = Array.from({ length: between(random, 1, 3) }, (_, at) =>
    runProducer(`p${at}`, { sends, records: 3, events: 12 }, { stream, scheduler, choices }),
  )
  scheduler.spawn(async () => {
    await Promise.all(producers)
    await scheduler.sleep(300_000, 'calm', 'faults end')
    choices.isCalm = true
  })
  let failure: string | undefined
  try {
    await cell.drain()
    cell.network.isParking = false
    if (scheduler.releaseParked() > 0) await cell.drain()
  } catch (error) {
    failure =
      error instanceof Error
        ? error.name === 'Violation'
          ? error.message
          : error.stack
        : String(error)
  }
  const events = stream.shards.reduce(
    (sum, { records }) =>
      records.reduce((n, one) => n + Math.max(1, one.content.events.length), sum),
    0,
  )
  return {
    seed,
    events,
    faults: choices.taken.filter((name) => !name.startsWith('record ')).length,
    turns: scheduler.turns,
    deviations: choices.taken,
    ...(failure === undefined ? {} : { failure }),
    ...(trace && { hash: trace.hash() }),
  }
}

function drawRisks(choices: SeededChoices): CellRisks {
  const random = choices.random('risks')
  return {
    calls: {
      fault: oneOf(random, [0, 0.005, 0.01, 0.03]),
      slow: oneOf(random, [0, 0.02, 0.1]),
      slowMs: oneOf(random, [2_000, 60_000, 400_000]),
      latencyMs: oneOf(random, [5, 40, 300]),
    },
    invocations: {
      timeout: oneOf(random, [0, 0.05, 0.15]),
      coldStart: oneOf(random, [0.02, 0.3]),
      clockSkew: 0.1,
    },
    deliveries: { again: oneOf(random, [0, 0.1, 0.3]), short: oneOf(random, [0, 0.1, 0.5]) },
    bells: { lost: oneOf(random, [0, 0.2, 0.6]), doubled: 0.05, late: 0.1 },
  }
}

function drawDeployments(random: Random): readonly Deployment[] {
  return oneOf(random, [[], [], [], ['strict'], ['strict', 'first'], ['widened']] as const)
}
