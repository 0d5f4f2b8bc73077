import type { Exploration, ExploreOptions } from './explore.ts'
import { type PlantedBug, plant } from './plant.ts'
import type { SeedRun } from './simulate.ts'

/** What a worker process is asked to do, one task at a time. */
export type Task =
  | { readonly kind: 'plant'; readonly bug: PlantedBug }
  | { readonly kind: 'seed'; readonly seed: number; readonly only?: readonly string[] }
  | { readonly kind: 'seeds'; readonly from: number; readonly count: number }
  | { readonly kind: 'explore'; readonly options: ExploreOptions }

/** Over a stretch of seeds; runs of failed ones in full. */
export interface SeedsReport {
  readonly seeds: number
  readonly events: number
  readonly faults: number
  readonly failed: readonly SeedRun[]
}

export type ExploreReport = Omit<Exploration, 'failures'> & {
  readonly isSplit: boolean
  readonly failures: readonly {
    readonly schedule: readonly (readonly [string, number])[]
    readonly message: string
  }[]
}

export type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string }

/** The code under test is loaded with the first run, after any bug has been planted. */
async function perform(task: Task): Promise<unknown> {
  switch (task.kind) {
    case 'plant':
      return plant(task.bug)
    case 'seed': {
      const { simulate } = await import('./simulate.ts')
      return simulate(task.seed, task.only ? { only: new Set(task.only) } : {})
    }
    case 'seeds':
      return runSeeds(task.from, task.count)
    case 'explore': {
      const { explore } = await import('./explore.ts')
      const { failures, ...counts } = await explore(task.options)
      const listed = failures.map(({ schedule, message }) => ({ schedule: [...schedule], message }))
      const isSplit = task.options.isSplit ?? false
      return { ...counts, isSplit, failures: listed } satisfies ExploreReport
    }
  }
}

async function runSeeds(from: number, count: number): Promise<SeedsReport> {
  const { simulate } = await import('./simulate.ts')
  const failed: SeedRun[] = []
  let [events, faults] = [0, 0]
  for (let seed = from; seed < from + count; seed++) {
    const run = await simulate(seed)
    events += run.events
    faults += run.faults
    if (run.failure !== undefined) failed.push(run)
  }
  return { seeds: count, events, faults, failed }
}

process.on('message', async (task: Task) => {
  try {
    process.send!({ ok: true, value: await perform(task) } satisfies Answer)
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.send!({ ok: false, message } satisfies Answer)
  }
})
