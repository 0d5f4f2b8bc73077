import { parseArgs } from 'node:util'
import type { Schedule } from '#test/simulation/explore.ts'
import { shrink } from '#test/simulation/shrink.ts'
import type { SeedRun } from '#test/simulation/simulate.ts'
import type { ExploreReport, SeedsReport, Task } from '#test/simulation/worker.ts'
import { onWorkers } from '#test/simulation/worker-process.ts'

const USAGE = `usage: npm run -s sim -- [--seeds 1000] [--from 0] [--workers 2]
       npm run -s sim -- --only <seed> [--keep <name>]... [--trace]
       npm run -s sim -- --deviations 1|2 [--every 1] [--workers 2]
       npm run -s sim -- --deviate <name>=<n> [--deviate …] [--split] [--trace]`

/** What is printed, in one line of JSON. */
interface Report {
  readonly seeds: number
  readonly events: number
  readonly faults: number
  readonly failed: number
  readonly firstFailure: Failure | null
}

interface Failure {
  readonly seed?: number
  readonly message: string
  /** Runs it again, identically. */
  readonly command: string
  /** What is left of the schedule, as small as it was made. */
  readonly kept: readonly string[]
}

const COMMAND = 'npm run -s sim --'
const SEEDS_PER_TASK = 20
/** Explorations are cut into so many tasks, whatever the workers. */
const PARTS = 40

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '0' },
      workers: { type: 'string', default: '2' },
      only: { type: 'string' },
      keep: { type: 'string', multiple: true },
      trace: { type: 'boolean', default: false },
      deviations: { type: 'string' },
      every: { type: 'string', default: '1' },
      deviate: { type: 'string', multiple: true },
      split: { type: 'boolean', default: false },
    },
  })
  const workers = whole(values.workers)
  const report =
    values.only !== undefined
      ? await replaySeed(whole(values.only), values.keep, values.trace)
      : values.deviate !== undefined
        ? await replaySchedule(values.deviate, values.split, values.trace)
        : values.deviations !== undefined
          ? await exploreAll(whole(values.deviations), whole(values.every), workers)
          : await runSeeds(whole(values.from), whole(values.seeds), workers)
  process.stdout.write(`${JSON.stringify(report)}\n`)
  if (report.firstFailure !== null) process.stderr.write(`replay: ${report.firstFailure.command}\n`)
  return report.failed === 0 ? 0 : 1
}

async function runSeeds(from: number, seeds: number, workers: number): Promise<Report> {
  const done = { seeds: 0, events: 0, faults: 0 }
  const failed: SeedRun[] = []
  const tasks = Array.from({ length: Math.ceil(seeds / SEEDS_PER_TASK) }, (_, at): Task => {
    const first = from + at * SEEDS_PER_TASK
    return { kind: 'seeds', from: first, count: Math.min(SEEDS_PER_TASK, from + seeds - first) }
  })
  const progress = progressOf(seeds)
  await onWorkers<SeedsReport>(workers, tasks, (part) => {
    done.seeds += part.seeds
    done.events += part.events
    done.faults += part.faults
    failed.push(...part.failed)
    progress(done.seeds, failed.length)
  })
  const first = failed.toSorted((a, b) => a.seed - b.seed)[0]
  return {
    ...done,
    failed: failed.length,
    firstFailure: first === undefined ? null : await shrunkFailure(first),
  }
}

/** The failing run with as little as it takes. */
async function shrunkFailure({ seed, taken, failure }: SeedRun): Promise<Failure> {
  const { simulate } = await import('#test/simulation/simulate.ts')
  const runWith = (names: readonly string[]) => simulate(seed, { only: new Set(names) })
  process.stderr.write(`seed ${seed} fails; shrinking its ${taken.length} choices ...\n`)
  const names = [...new Set(taken)]
  const isWhole = (await runWith(names)).failure === undefined
  if (isWhole) {
    return { seed, message: failure!, command: `${COMMAND} --only ${seed} --trace`, kept: [] }
  }
  const kept = await shrink(names, async (some) => (await runWith(some)).failure !== undefined)
  const { failure: message } = await runWith(kept)
  const keep = kept.map((name) => `--keep ${quoted(name)}`).join(' ')
  return { seed, message: message!, command: `${COMMAND} --only ${seed} ${keep} --trace`, kept }
}

async function replaySeed(
  seed: number,
  keep: readonly string[] | undefined,
  isTraced: boolean,
): Promise<Report> {
  const { simulate } = await import('#test/simulation/simulate.ts')
  const run = await simulate(seed, {
    ...(keep && { only: new Set(keep) }),
    ...(isTraced && { write: toStderr }),
  })
  const command = [COMMAND, '--only', seed, ...(keep ?? []).map((one) => `--keep ${quoted(one)}`)]
  return {
    seeds: 1,
    events: run.events,
    faults: run.faults,
    failed: run.failure === undefined ? 0 : 1,
    firstFailure:
      run.failure === undefined
        ? null
        : { seed, message: run.failure, command: command.join(' '), kept: keep ?? [] },
  }
}

async function exploreAll(most: number, everySecond: number, workers: number): Promise<Report> {
  if (most !== 1 && most !== 2) throw new Error('--deviations is 1 or 2')
  const done = { seeds: 0, events: 0, faults: 0, failed: 0 }
  let firstFailure: Failure | null = null
  const tasks = [false, true].flatMap((isSplit) =>
    Array.from({ length: PARTS }, (_, at): Task => {
      return { kind: 'explore', options: { most, isSplit, everySecond, part: { at, of: PARTS } } }
    }),
  )
  let parts = 0
  const progress = progressOf(tasks.length)
  await onWorkers<ExploreReport>(workers, tasks, (part) => {
    done.seeds += part.schedules
    done.events += part.events
    done.faults += part.faults
    done.failed += part.failed
    progress(++parts, done.failed)
    const [first] = part.failures
    if (first !== undefined)
      firstFailure ??= scheduleFailure(new Map(first.schedule), part.isSplit, first.message)
  })
  return { ...done, firstFailure }
}

async function replaySchedule(
  deviations: readonly string[],
  isSplit: boolean,
  isTraced: boolean,
): Promise<Report> {
  const { runSchedule } = await import('#test/simulation/explore.ts')
  const schedule = new Map(
    deviations.map((text): [string, number] => {
      const at = text.lastIndexOf('=')
      return [text.slice(0, at), whole(text.slice(at + 1))]
    }),
  )
  const run = await runSchedule(schedule, isSplit, isTraced ? { write: toStderr } : {})
  const { failure, events } = run
  return {
    seeds: 1,
    events,
    faults: schedule.size,
    failed: failure === undefined ? 0 : 1,
    firstFailure: failure === undefined ? null : scheduleFailure(schedule, isSplit, failure),
  }
}

function scheduleFailure(schedule: Schedule, isSplit: boolean, message: string): Failure {
  const kept = [...schedule].map(([name, at]) => `${name}=${at}`)
  const deviate = kept.map((one) => `--deviate ${quoted(one)}`).join(' ')
  const command = `${COMMAND} ${deviate}${isSplit ? ' --split' : ''} --trace`
  return { message, command, kept }
}

/** Rewrites one line of a terminal; elsewhere writes a line for each quarter. */
function progressOf(total: number): (done: number, failed: number) => void {
  let quarters = 0
  return (done, failed) => {
    if (!process.stderr.isTTY) {
      const reached = Math.floor((4 * done) / total)
      if (reached > quarters) process.stderr.write(`${done} of ${total}, ${failed} failed\n`)
      quarters = reached
      return
    }
    const end = done >= total ? '\n' : ''
    process.stderr.write(`\r${done} of ${total}, ${failed} failed${end}`)
  }
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

function quoted(name: string): string {
  return `'${name.replaceAll("'", `'\\''`)}'`
}

function whole(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0) throw new Error(`"${text}" is no whole number`)
  return number
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`sim: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`)
  process.exitCode = 1
}
