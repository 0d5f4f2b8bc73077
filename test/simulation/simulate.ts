import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { Cell, CellRisks } from './cell/cell.ts'
import { plotForeignWork } from './cell/foreign-engine.ts'
import { plotMaintenance } from './cell/maintainer.ts'
import { runProducer } from './cell/producer.ts'
import type { Deployment } from './cell/product.ts'
import { runReader } from './cell/reader.ts'
import { plotUpheavals } from './cell/upheavals.ts'
import { between, type Choices, oneOf, SeededChoices } from './kernel/choices.ts'
import { usePlainCompression } from './kernel/plain-compression.ts'
import { drawLimits, simulateRace } from './race.ts'
import { type CellRun, runCell, type TraceOptions } from './run-cell.ts'

export interface SeedOptions extends TraceOptions {
  /** Nothing else is included or deviates: a shrunk schedule. */
  readonly only?: ReadonlySet<string>
}

export interface SeedRun extends CellRun {
  readonly seed: number
  /** Deviations from the plain course. */
  readonly faults: number
  /** What the run included and where it deviated, by name. */
  readonly taken: readonly string[]
}

/** One seed in so many runs is a race of a few records, which finds what needs many steps in one order. */
const RACE_EVERY = 2
/** One in so many compresses for real. */
const COMPRESSED_EVERY = 32

/** A run that is decided by its seed alone. */
export async function simulate(seed: number, options: SeedOptions = {}): Promise<SeedRun> {
  usePlainCompression(seed % COMPRESSED_EVERY !== 2)
  try {
    const choices = new SeededChoices(seed, options.only)
    const run =
      seed % RACE_EVERY === 1
        ? await simulateRace(choices, options)
        : await simulateDay(choices, options)
    return { ...run, seed, faults: choices.deviations, taken: choices.taken }
  } finally {
    usePlainCompression(false)
  }
}

/** Some hundred events over several shards, with faults, reshards, deployments and other engines. */
function simulateDay(choices: SeededChoices, options: TraceOptions): Promise<CellRun> {
  const random = choices.random('settings')
  const sends = between(random, 4, 12)
  const deployments = drawDeployments(random)
  const limits = drawLimits(random)
  // On a busy day one batch follows the other while those before it are at work.
  const isBusy = random() < 0.3
  const settings = {
    choices,
    ...(limits && { limits }),
    ...(isBusy && { windowMs: 100, gatherMs: 100 }),
    risks: drawRisks(choices),
    shards: between(random, 1, 3),
    deployments: ['first', ...deployments] as const,
    windows: oneOf(random, ['tumbling', 'tumbling', 'sliding', 'session', 'running'] as const),
    slots: {
      subSlots: oneOf(random, [1, 1, 3]),
      ...(random() < 0.2 ? { updateSeconds: 300 } : {}),
    },
  }
  const isAway = random() < 0.15
  // Most of what is sent comes without a long pause.
  const spanMs = sends * (isBusy ? 600 : 6_000)
  return runCell({ ...settings, ...options }, (cell) => {
    plotUpheavals(cell, {
      spanMs,
      reshards: oneOf(random, [0, 0, 1, 2, 3]),
      outage: 0.15,
      idleCommits: 0.08,
      idleArchive: 0.1,
      deployments,
    })
    const isRolledBack = plotForeignWork(cell, oneOf(random, [0, 0, 1, 2]), 2 * spanMs)
    plotMaintenance(cell, {
      times: oneOf(random, [0, 0, 2, 5, 8]),
      spanMs: 2 * spanMs,
      mayRollBack: !isRolledBack,
    })
    runReader(cell, 'reader', { reads: 10, spanMs: 2 * spanMs })
    send(cell, choices, between(random, 1, 3), { sends, isAway, isBusy })
  })
}

/** Lets producers send; some minutes after the last of them nothing deviates any more. */
function send(
  cell: Cell,
  choices: SeededChoices,
  producers: number,
  of: { readonly sends: number; readonly isAway: boolean; readonly isBusy: boolean },
): void {
  const { scheduler } = cell.cloud
  scheduler.spawn(async () => {
    const settings = { ...of, records: 3, events: 24 }
    await Promise.all(
      Array.from({ length: producers }, (_, at) => runProducer(`p${at}`, settings, cell.cloud)),
    )
    await scheduler.sleep(300_000, 'calm', 'faults end')
    choices.isCalm = true
  })
}

function drawRisks(choices: Choices): CellRisks {
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
      coldStart: oneOf(random, [0.02, 0.15]),
      clockSkew: 0.1,
      zombieSlowerMs: 1_800_000,
    },
    deliveries: {
      again: oneOf(random, [0, 0.1, 0.3]),
      short: oneOf(random, [0, 0.1, 0.5]),
      besideMs: 20_000,
    },
    bells: {
      lost: oneOf(random, [0, 0.2, 0.6]),
      doubled: 0.05,
      againMs: [0, 1_500, 30_000],
      late: 0.1,
      stray: oneOf(random, [0, 0.2, 0.5]),
      strayMs: 5_000,
    },
  }
}

function drawDeployments(random: Random): readonly Deployment[] {
  return oneOf(random, [
    [],
    [],
    [],
    ['strict', 'first'],
    ['strict', 'first', 'strict', 'first'],
    ['widened'],
    ['widened', 'first', 'widened'],
  ] as const)
}
