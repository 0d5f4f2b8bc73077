import { join } from 'node:path'
import type { Comparison } from './comparison.ts'
import { inProcess } from './decode/in-process.ts'
import { median } from './decode/median.ts'
import type { Case } from './decode/trips.ts'
import type { Answers, Contestant } from './decode/warm-case.ts'

const PARSE = '(a) base64 + JSON.parse, nothing checked'
const VALIDATE = '(b) base64 + JSON.parse + Ajv from the same contract + columns'
const CASES: readonly (readonly [Case, string])[] = [
  ['single', 'one event per record'],
  ['batch', 'batches of 100'],
  ['zstd', 'batches of 100, zstd'],
  ['unknownLayout', 'batches of 100, members of each event in an order of its own'],
]
const WARM_ROUNDS = 3
const COLD_ROUNDS = 9
const folder = join(import.meta.dirname, 'decode')

/**
 * From the base64 records of a Lambda event to validated columns: ours beside what others do, on one core. Everybody has
 * processes of their own, which take turns; the answers are compared first.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const wanted = CASES.filter(([name]) => args.length === 0 || args.includes(name))
  for (const [name, what] of wanted) {
    const { equal, columnBytes } = JSON.parse(warm(name, 'answers')) as Answers
    const times = inTurns(WARM_ROUNDS, (who) => Number(warm(name, who)))
    yield* comparisons(`decode/${name}`, times, { unit: 'ns per event', equal, what })
    if (name === 'batch') yield bytesOfColumns(columnBytes, equal)
  }
  if (args.length > 0 && !args.includes('cold')) return
  const what = 'the first 10,000 events of a process, with what is compiled for them'
  const times = inTurns(COLD_ROUNDS, (who) => Number(inProcess(join(folder, 'cold-case.ts'), who)))
  yield* comparisons('decode/cold', times, { unit: 'ms', equal: true, what })
}

function warm(name: Case, who: Contestant | 'answers'): string {
  return inProcess(join(folder, 'warm-case.ts'), name, who)
}

/** The medians of some rounds, in each of which everybody runs once. */
function inTurns(
  rounds: number,
  measure: (who: Contestant) => number,
): Readonly<Record<Contestant, number>> {
  const times = { ours: [] as number[], parseOnly: [] as number[], validated: [] as number[] }
  const names = Object.keys(times) as Contestant[]
  for (let round = 0; round < rounds; round++) {
    for (const who of round % 2 === 0 ? names : names.toReversed()) times[who].push(measure(who))
  }
  const { ours, parseOnly, validated } = times
  return { ours: median(ours), parseOnly: median(parseOnly), validated: median(validated) }
}

function* comparisons(
  name: string,
  times: Readonly<Record<Contestant, number>>,
  facts: { readonly unit: string; readonly equal: boolean; readonly what: string },
): Iterable<Comparison> {
  const digits = facts.unit === 'ms' ? 1 : 0
  const [ours, parseOnly, validated] = [times.ours, times.parseOnly, times.validated]
  for (const [peer, theirs] of [
    [PARSE, parseOnly],
    [VALIDATE, validated],
  ] as const) {
    const [left, right] = [ours, theirs].map((value) => Number(value.toFixed(digits)))
    yield { name, peer, ours: left!, theirs: right!, ratio: ratio(theirs, ours), ...facts }
  }
}

function bytesOfColumns(columnBytes: Answers['columnBytes'], equal: boolean): Comparison {
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

function ratio(theirs: number, ours: number): number {
  return Number((theirs / ours).toFixed(2))
}
