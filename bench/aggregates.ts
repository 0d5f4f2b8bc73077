import { Decimal } from '#lib/domain/kernel/decimal.ts'
import type { Aggregate } from '#lib/domain/process/aggregates/aggregate.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import { CASES, type Case, type Truth } from './aggregates/cases.ts'
import { type Load, readings } from './aggregates/readings.ts'
import type { Comparison } from './comparison.ts'

const PEER = 'an object per row, grouped and aggregated with Map, Set, BigInt and sort'
const ROUNDS = 9

/**
 * Rows per second and core of each aggregate, from columns to one state per group, beside code that takes a row at a
 * time. `equal` says that the values agree in every group, those of a sketch within the error that it states.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const load = readings({ rows: 50_000, groups: 300 })
  for (const one of CASES) {
    if (args.length > 0 && !args.includes(one.definition.function)) continue
    yield compare(one, load)
  }
}

function compare({ definition, truth }: Case, load: Load): Comparison {
  const aggregate = aggregateOf(definition, load.contract)
  const ours = () => aggregate.addBatch(load.batch, load.groupOfRow, load.groups)
  const theirs = () => truth(load.rows, load.groups)
  const states = ours()
  const truths = theirs()
  const stored = states.map((state) => JSON.stringify(aggregate.toStored(state)).length)
  const [ourSpeed, theirSpeed] = speeds(load.rows.length, ours, theirs)
  const field = 'field' in definition ? `/${definition.field}` : ''
  return {
    name: `aggregates/${definition.function}${field}`,
    peer: PEER,
    ours: ourSpeed,
    theirs: theirSpeed,
    ratio: Number((ourSpeed / theirSpeed).toFixed(1)),
    unit: 'rows per second and core',
    equal: states.every((state, group) =>
      isRight(aggregate, aggregate.finish(state), truths[group]!),
    ),
    rowsPerGroup: Math.round(load.rows.length / load.groups),
    storedBytes: Math.round(stored.reduce((sum, bytes) => sum + bytes) / stored.length),
    mostStoredBytes: aggregate.maxStoredBytes,
  }
}

/** The median of rounds in turn, so that both have the same machine; by processor time. */
function speeds(rows: number, ours: () => unknown, theirs: () => unknown): [number, number] {
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, run] of [ours, theirs].entries()) {
      const start = process.cpuUsage()
      run()
      const { user, system } = process.cpuUsage(start)
      times[at]!.push(user + system)
    }
  }
  return times.map((list) => {
    const median = list.sort((a, b) => a - b)[list.length >> 1]!
    return Math.round((rows / Math.max(median, 1)) * 1e6)
  }) as [number, number]
}

function isRight({ error }: Aggregate<unknown>, value: unknown, truth: Truth): boolean {
  if (typeof truth !== 'number') return JSON.stringify(value) === JSON.stringify(truth)
  const number = value instanceof Decimal ? value.toNumber() : (value as number)
  switch (error.kind) {
    case 'exact':
      return number === truth
    case 'relative':
      // The peer rounds at every step.
      return Math.abs(number - truth) <= Math.max(error.bound, 1e-9) * Math.abs(truth)
    case 'relativeStandardError':
      return Math.abs(number - truth) <= 5 * error.bound * truth
    case 'shareOfRows':
      throw new Error('a top is compared as a list')
  }
}
