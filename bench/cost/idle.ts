import type { LakeRun } from './lake-run.ts'
import { type BillLine, billLines, PRICES, totalUsd } from './prices.ts'

const HOURS_PER_MONTH = 730
const GIB = 2 ** 30
/** As the alarm catalogue and the cell's keys have it; a test holds the first two against it. */
export const PRODUCT_ALARMS = 7
export const CELL_ALARMS = 3
const CELL_KEYS = 5
const CELL_DASHBOARDS = 1

/** One line of what a month without an event costs. */
export interface IdleLine {
  readonly what: string
  readonly usd: number
}

/** A product with one shard, kept for seven days; and what all products of a cell share. */
export function idleLines(sweep: LakeRun['idleSweep']): {
  readonly product: readonly IdleLine[]
  readonly cell: readonly IdleLine[]
} {
  const line = (what: string, units: Readonly<Record<string, number>>): IdleLine => {
    return { what, usd: totalUsd(billLines(units, 'counted')) }
  }
  return {
    product: [
      line('each shard', { 'kinesis.shardHours': HOURS_PER_MONTH }),
      line('each shard kept for seven days instead of one', {
        'kinesis.retentionShardHours': HOURS_PER_MONTH,
      }),
      line(`${PRODUCT_ALARMS} alarms`, { 'cloudwatch.alarmMonths': PRODUCT_ALARMS }),
      { what: 'the sweep of each minute', usd: totalUsd(sweepLines(sweep)) },
    ],
    cell: [
      line(`${CELL_KEYS} keys`, { 'kms.keyMonths': CELL_KEYS }),
      line('the dashboard', { 'cloudwatch.dashboardMonths': CELL_DASHBOARDS }),
      line(`${CELL_ALARMS} alarms`, { 'cloudwatch.alarmMonths': CELL_ALARMS }),
    ],
  }
}

function sweepLines({ units, invocations }: LakeRun['idleSweep']): BillLine[] {
  const perMonth = HOURS_PER_MONTH * 60
  const logGib = (invocations * PRICES.assumptions.logBytesPerInvocation) / GIB
  return [
    ...billLines(units, 'counted', perMonth),
    ...billLines({ 'lambda.requests': invocations }, 'counted', perMonth),
    ...billLines({ 'logs.gib': logGib }, 'estimated', perMonth),
  ]
}
