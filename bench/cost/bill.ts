import type { FunctionName, InvocationTotals } from './invocations.ts'
import type { LakeRun, LakeRunSettings } from './lake-run.ts'
import { type BillLine, billLines, PRICES } from './prices.ts'

export const MILLION = 1_000_000
const SECONDS_PER_HOUR = 3_600
const GIB = 2 ** 30

/** As the constructs give them. */
const MEMORY_MIB: Readonly<Record<FunctionName, number>> = {
  'archive-events': 1024,
  'commit-snapshots': 512,
  'update-windows': 1024,
}

export interface StreamTerms {
  readonly retentionHours: number
}

/**
 * What a million events of this load cost: what was counted, scaled; the shards for as long as a million events take;
 * and what can only be estimated. Without storage, and without what a product costs while nothing comes.
 */
export function billOfMillion(
  run: LakeRun,
  settings: Pick<LakeRunSettings, 'eventsPerSecondAndShard'>,
  stream: StreamTerms,
): readonly BillLine[] {
  const scale = MILLION / run.events
  const { assumptions } = PRICES
  const seconds = run.seconds * scale
  const invocations = Object.values(run.invocations).reduce((sum, one) => sum + one.invocations, 0)
  return merged([
    ...billLines(run.units, 'counted', scale),
    ...billLines({ 'lambda.requests': invocations }, 'counted', scale),
    ...billLines(run.idleSweep.units, 'counted', seconds / 60),
    ...billLines({ 'lambda.requests': run.idleSweep.invocations }, 'counted', seconds / 60),
    ...shardLines(settings.eventsPerSecondAndShard, stream),
    ...billLines({ 'lambda.armGbSeconds': gbSeconds(run.invocations) }, 'estimated', scale),
    ...billLines(
      { 'logs.gib': (invocations * scale * assumptions.logBytesPerInvocation) / GIB },
      'estimated',
    ),
    ...billLines(
      { 'kms.requests': (seconds / 300) * assumptions.kmsRequestsPerFiveMinutes },
      'estimated',
    ),
  ])
}

function shardLines(eventsPerSecondAndShard: number, { retentionHours }: StreamTerms): BillLine[] {
  const shardHours = MILLION / eventsPerSecondAndShard / SECONDS_PER_HOUR
  const kept = retentionHours > 24 ? shardHours : 0
  return billLines(
    { 'kinesis.shardHours': shardHours, 'kinesis.retentionShardHours': kept },
    'counted',
  )
}

function gbSeconds(invocations: LakeRun['invocations']): number {
  const of = ([name, totals]: [string, InvocationTotals]) =>
    (MEMORY_MIB[name as FunctionName] / 1024) * durationSeconds(name as FunctionName, totals)
  return Object.entries(invocations).reduce((sum, entry) => sum + of(entry), 0)
}

/** A processor share by memory, and the calls one after another. */
function durationSeconds(name: FunctionName, { cpuMs, calls }: InvocationTotals): number {
  const { lambdaCoreMib, storeCallMs } = PRICES.assumptions
  const share = Math.min(1, MEMORY_MIB[name] / lambdaCoreMib)
  const waitingMs = Object.entries(calls).reduce((sum, [call, count]) => {
    const perCall = storeCallMs[call] ?? storeCallMs[call.split('.')[0]!]
    if (perCall === undefined) throw new Error(`the price file does not say how long ${call} takes`)
    return sum + count * perCall
  }, 0)
  return (cpuMs / share + waitingMs) / 1000
}

/** One line per meter and basis. */
function merged(lines: readonly BillLine[]): BillLine[] {
  const byKey = new Map<string, BillLine>()
  for (const line of lines) {
    const key = `${line.meter} ${line.basis}`
    const before = byKey.get(key) ?? { ...line, units: 0, usd: 0 }
    byKey.set(key, { ...line, units: before.units + line.units, usd: before.usd + line.usd })
  }
  return [...byKey.values()].sort((a, b) => b.usd - a.usd)
}
