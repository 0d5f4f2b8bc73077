import { GivenChoices } from './kernel/choices.ts'
import { usePlainCompression } from './kernel/plain-compression.ts'
import { NO_RISKS, sendFour } from './race.ts'
import { type CellRun, runCell, type TraceOptions } from './run-cell.ts'

/** Deviations from the plain schedule: at which decision, and which of its alternatives. */
export type Schedule = ReadonlyMap<string, number>

export interface Exploration {
  readonly schedules: number
  readonly events: number
  readonly faults: number
  /** The first ones. */
  readonly failures: readonly { readonly schedule: Schedule; readonly message: string }[]
  readonly failed: number
}

export interface ExploreOptions {
  /** Deviations of one schedule at most. */
  readonly most: 1 | 2
  /** Whether the shard is split after the second record. */
  readonly isSplit?: boolean
  /** Of the schedules' first deviations only every `of`-th, from `at` on: so that several can share the work. */
  readonly part?: { readonly at: number; readonly of: number }
  /** Of the second deviations only every so-manieth. @default 1 */
  readonly everySecond?: number
}

const KEPT_FAILURES = 5

/** Four records through one shard: each schedule that deviates at most so often from the one where all goes well. */
export async function explore(options: ExploreOptions): Promise<Exploration> {
  const { most, isSplit = false, part = { at: 0, of: 1 }, everySecond = 1 } = options
  const failures: { schedule: Schedule; message: string }[] = []
  const done = { schedules: 0, events: 0, faults: 0, failed: 0 }
  const run = async (schedule: Schedule) => {
    const { events, failure, offers } = await runSchedule(schedule, isSplit)
    done.schedules++
    done.events += events
    done.faults += schedule.size
    if (failure !== undefined) {
      done.failed++
      if (failures.length < KEPT_FAILURES) failures.push({ schedule, message: failure })
    }
    return offers
  }
  const plain = await run(new Map())
  let [firsts, seconds] = [0, 0]
  for (const { name, alternatives } of plain) {
    for (let first = 0; first < alternatives; first++) {
      if (firsts++ % part.of !== part.at) continue
      const offers = await run(new Map([[name, first]]))
      if (most === 1) continue
      const later = offers.slice(offers.findIndex((offer) => offer.name === name) + 1)
      for (const offer of later) {
        for (let second = 0; second < offer.alternatives; second++) {
          if (seconds++ % everySecond !== 0) continue
          await run(
            new Map([
              [name, first],
              [offer.name, second],
            ]),
          )
        }
      }
    }
  }
  return { ...done, failures }
}

/** One schedule, and where it could have deviated. */
export async function runSchedule(schedule: Schedule, isSplit: boolean, trace: TraceOptions = {}) {
  const choices = new GivenChoices(schedule)
  usePlainCompression(true)
  const settings = {
    choices,
    risks: { ...NO_RISKS, calls: { ...NO_RISKS.calls, latencyMs: 1 } },
    shards: 1,
    deployments: ['first'] as const,
    windows: 'tumbling' as const,
    windowMs: 10,
    gatherMs: 30,
  }
  const run: CellRun = await runCell({ ...settings, ...trace }, (cell) =>
    sendFour(cell, choices.random('records'), {
      splitAfter: isSplit ? 2 : undefined,
      pauseMs: 120,
    }),
  )
  usePlainCompression(false)
  return { ...run, offers: choices.offers }
}
