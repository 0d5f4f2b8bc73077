import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Comparison } from './comparison.ts'
import { inProcess } from './decode/in-process.ts'
import { median } from './decode/median.ts'
import { DuckDb } from './windows/duckdb.ts'
import type { EngineMode, EngineRun } from './windows/engine-case.ts'
import { Flink } from './windows/flink.ts'
import { slotWrites } from './windows/slot-writes.ts'
import type { ViewName } from './windows/views.ts'
import { bidTimes, EVENTS_PER_SECOND, writeBids } from './windows/workload.ts'

const EVENTS = 1_000_000
/** Below this a warm Flink is hardly warm. */
const FLINK_EVENTS = 4_000_000
const SLIDING_EVENTS = 100_000
const ROUNDS = 3
const GATHERING_SECONDS = [1, 2, 5, 10, 60]
const SEED = 42
const UNIT = 'events per second of one core'
const WHAT =
  'CloudEvents parsed, duplicates dropped by source and id, bids and cents per user and window of event time'

const engineCase = join(import.meta.dirname, 'windows/engine-case.ts')

/**
 * The engine of windows beside others on the same bytes, by processor time on one core, each in a process of its own: ours
 * with everything that a contract checks, from base64 records to finished windows, the others with the fields alone that the
 * answer needs. Open windows stay in memory, as they do with the others; what it takes to make slots of them, which a reader
 * and another process find, is a line of its own. All answers are compared first.
 *
 * `--events N`, `--with flink` (4 million events, needs a JDK and Maven).
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const { values } = parseArgs({
    args: [...args],
    options: { events: { type: 'string' }, with: { type: 'string', multiple: true } },
  })
  const withFlink = values.with?.includes('flink') === true
  const events = Number(values.events ?? (withFlink ? FLINK_EVENTS : EVENTS))
  const folder = mkdtempSync(join(tmpdir(), 'weir-windows-'))
  try {
    const file = join(folder, 'bids.ndjson')
    const head = join(folder, 'first-bids.ndjson')
    writeBids(file, events, SEED)
    writeBids(head, SLIDING_EVENTS, SEED)
    const duckDb = await DuckDb.find()
    const ours: EngineRun[] = []
    const withSlots: EngineRun[] = []
    const theirs: Awaited<ReturnType<DuckDb['tumbling']>>[] = []
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(engine(file, 'tumbling', 'memory'))
      theirs.push(await duckDb.tumbling(file))
      withSlots.push(engine(file, 'tumbling', 'slots'))
    }
    const rate = rateOf(ours)
    const answer = ours[0]!.answer
    yield {
      name: 'windows/tumbling',
      peer: `DuckDB ${theirs[0]!.version}, one thread, four fields typed`,
      ...compared(rate, events / median(theirs.flatMap(({ seconds }) => seconds))),
      equal: theirs.every((one) => isSame(one.answer, answer)),
      what: WHAT,
      events,
      nsPerEventOf: nsPerEvent(ours[0]!),
    }
    yield {
      name: 'windows/tumbling, each a slot at every update',
      peer: 'our own that stay in memory until they close',
      ...compared(rateOf(withSlots), rate),
      equal: withSlots.every((one) => isSame(one.answer, answer)),
      what: `${WHAT}; what 20 batches touch is read from a store in memory, added to and written`,
      nsPerEventOf: nsPerEvent(withSlots[0]!),
      slotWritesPerEvent: Number((withSlots[0]!.slotWrites / events).toFixed(3)),
    }
    yield* state(withSlots[0]!)
    yield* sliding(duckDb, file, head, rate)
    if (withFlink) yield* flink(folder, file, events, rate, answer)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A window of a minute each second: rate beside tumbling ones, answer beside DuckDB, which repeats each event 60 times. */
async function* sliding(
  duckDb: DuckDb,
  file: string,
  head: string,
  tumblingRate: number,
): AsyncIterable<Comparison> {
  const runs = Array.from({ length: ROUNDS }, () => engine(file, 'sliding', 'memory', 'unanswered'))
  const rate = rateOf(runs)
  const first = engine(head, 'sliding', 'memory')
  const theirs = await duckDb.sliding(head)
  const equal = isSame(first.answer, theirs.answer)
  const facts = {
    equal,
    what: 'windows of 60 s that slide by 1 s, kept as panes of 1 s',
    nsPerEventOf: nsPerEvent(runs[0]!),
  }
  yield {
    name: 'windows/sliding',
    peer: 'our own tumbling windows',
    ...compared(rate, tumblingRate),
    ...facts,
  }
  yield {
    name: 'windows/sliding',
    peer: `DuckDB ${theirs.version}, one thread, ${SLIDING_EVENTS} events in all their windows`,
    ...compared(rate, SLIDING_EVENTS / median(theirs.seconds)),
    ...facts,
  }
}

/** What is kept for a key and a window, for an event that may come again, and what slots cost to write. */
function* state({ bytesPerSlot, bytesPerRememberedId }: EngineRun): Iterable<Comparison> {
  yield {
    name: 'windows/state',
    peer: 'one write unit of 1 KiB',
    ours: bytesPerSlot,
    theirs: 1024,
    ratio: Number((1024 / bytesPerSlot).toFixed(2)),
    unit: 'bytes of an item per open key and window',
    equal: true,
    bytesPerRememberedId,
  }
  const events = bidTimes(SLIDING_EVENTS * 6, SEED)
  for (const one of slotWrites(events, 10_000, EVENTS_PER_SECOND, GATHERING_SECONDS)) {
    yield {
      name: `windows/slots gathered for ${one.gatheringSeconds} s`,
      peer: 'a write for each event',
      ours: one.perEvent,
      theirs: 1,
      ratio: Number((1 / one.perEvent).toFixed(2)),
      unit: 'writes per event',
      equal: true,
      usdPerMillionEvents: one.usdPerMillionEvents,
    }
  }
}

async function* flink(
  folder: string,
  file: string,
  events: number,
  rate: number,
  answer: readonly string[],
): AsyncIterable<Comparison> {
  const missing = Flink.missing()
  if (missing !== undefined) {
    process.stderr.write(`bench: without Flink: ${missing}\n`)
    return
  }
  const runs = await new Flink(join(folder, 'flink')).runs(file)
  const warm = runs.slice(1)
  yield {
    name: 'windows/tumbling',
    peer: 'Flink 1.20.1, local, parallelism 1, state on the heap, warm',
    ...compared(rate, events / median(warm.map(({ seconds }) => seconds))),
    equal: runs.every((one) => isSame(one.answer, answer)),
    what: WHAT,
    events,
  }
}

function engine(
  file: string,
  view: ViewName,
  mode: EngineMode,
  ...rest: readonly string[]
): EngineRun {
  return JSON.parse(inProcess(engineCase, file, view, mode, ...rest))
}

function rateOf(runs: readonly EngineRun[]): number {
  return runs[0]!.events / median(runs.map(({ seconds }) => seconds))
}

function compared(ours: number, theirs: number) {
  return {
    ours: Math.round(ours),
    theirs: Math.round(theirs),
    ratio: Number((ours / theirs).toFixed(2)),
    unit: UNIT,
  }
}

function nsPerEvent({ secondsOf, events }: EngineRun): Readonly<Record<string, number>> {
  const steps = Object.entries(secondsOf)
  return Object.fromEntries(
    steps.map(([step, seconds]) => [step, Math.round((1e9 * seconds) / events)]),
  )
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
