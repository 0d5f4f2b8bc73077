import { join } from 'node:path'
import type { Comparison } from './comparison.ts'
import { inProcess } from './decode/in-process.ts'
import type { Case } from './decode/trips.ts'
import type { WarmTimes } from './decode/warm-case.ts'

const PARSE = '(a) base64 + JSON.parse, nothing checked'
const VALIDATE = '(b) base64 + JSON.parse + Ajv from the same contract + columns'
const CASES: readonly (readonly [Case, string])[] = [
  ['single', 'one event per record'],
  ['batch', 'batches of 100'],
  ['zstd', 'batches of 100, zstd'],
  ['unknownLayout', 'batches of 100, members of each event in an order of its own'],
]
const COLD_RUNS = 9
const folder = join(import.meta.dirname, 'decode')

/**
 * From the base64 records of a Lambda event to validated columns: ours beside what others do, on one core. Each case
 * has a process of its own, in which all take turns; the answers are compared first.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const wanted = CASES.filter(([name]) => args.length === 0 || args.includes(name))
  let times: WarmTimes | undefined
  for (const [name, what] of wanted) {
    times = JSON.parse(inProcess(join(folder, 'warm-case.ts'), name)) as WarmTimes
    const { ours, equal } = times
    const unit = 'ns per event'
    for (const [peer, theirs] of [
      [PARSE, times.parseOnly],
      [VALIDATE, times.validated],
    ] as const) {
      yield {
        name: `decode/${name}`,
        peer,
        ours,
        theirs,
        ratio: ratio(theirs, ours),
        unit,
        equal,
        what,
      }
    }
    if (name === 'batch') yield bytesOfColumns(times)
  }
  if (args.length === 0 || args.includes('cold')) yield* cold()
}

function bytesOfColumns({ columnBytes, equal }: WarmTimes): Comparison {
  const aim = 200
  return {
    name: 'decode/columns',
    peer: 'the aim of 200 bytes per event',
    ours: columnBytes.fields,
    theirs: aim,
    ratio: ratio(aim, columnBytes.fields),
    unit: 'bytes per event',
    equal,
    what: 'fields and identity',
    withPlace: columnBytes.fields + columnBytes.place,
  }
}

/** The first 10,000 events of fresh processes, in turn. */
function* cold(): Iterable<Comparison> {
  const times = { ours: [] as number[], parseOnly: [] as number[], validated: [] as number[] }
  for (let i = 0; i < COLD_RUNS; i++) {
    for (const one of ['ours', 'parseOnly', 'validated'] as const) {
      times[one].push(Number(inProcess(join(folder, 'cold-case.ts'), one)))
    }
  }
  const ours = median(times.ours)
  for (const [peer, list] of [
    [PARSE, times.parseOnly],
    [VALIDATE, times.validated],
  ] as const) {
    const theirs = median(list)
    const what = 'the first 10,000 events of a process, with what is compiled for them'
    const unit = 'ms'
    yield {
      name: 'decode/cold',
      peer,
      ours,
      theirs,
      ratio: ratio(theirs, ours),
      unit,
      equal: true,
      what,
    }
  }
}

function ratio(theirs: number, ours: number): number {
  return Number((theirs / ours).toFixed(2))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Number(sorted[sorted.length >> 1]!.toFixed(1))
}
