import type { PlantedBug } from './plant.ts'
import type { SeedRun } from './simulate.ts'
import type { SeedsReport } from './worker.ts'
import { WorkerProcess } from './worker-process.ts'

export interface CatchReport {
  readonly name: string
  readonly isCaught: boolean
  /** Seeds that were run, the catching one included. */
  readonly seeds: number
  readonly within: number
  readonly failure?: string
}

/** Runs the code with a bug in it, from seed 0 on, until the simulation notices or has had its chance. */
export async function catchBug(bug: PlantedBug): Promise<CatchReport> {
  const { name, within } = bug
  const worker = new WorkerProcess()
  try {
    await worker.do({ kind: 'plant', bug })
    for (let from = 0; from < within; ) {
      // Small steps at first: most bugs are noticed at once.
      const count = Math.min(Math.max(1, from), 10, within - from)
      const { failed } = await worker.do<SeedsReport>({ kind: 'seeds', from, count })
      const first: SeedRun | undefined = failed[0]
      if (first !== undefined) {
        return { name, isCaught: true, seeds: first.seed + 1, within, failure: first.failure! }
      }
      from += count
    }
    return { name, isCaught: false, seeds: within, within }
  } finally {
    worker.end()
  }
}
