import type { Comparison } from './comparison.ts'
import { tripsContract } from './cost/setting.ts'
import { archiveRun } from './rejects/archive-run.ts'
import { tripRecords } from './rejects/load.ts'

/** One event in so many breaks the contract; none in the last. */
export const RATES = { '100%': 1, '50%': 2, '1 in 10,000': 10_000, none: Infinity } as const
export type Rate = keyof typeof RATES

export interface RejectRate {
  readonly rate: Rate
  /** The median of the rounds. */
  readonly eventsPerSecond: number
  readonly rejected: number
  readonly isBalanced: boolean
}

/**
 * How fast events are archived at each reject rate: by processor time, all rates in turn, so that they have the same
 * machine. After each run every store is counted against every other.
 */
export async function measureRejects(
  events: number,
  rounds: number,
): Promise<readonly RejectRate[]> {
  const contract = tripsContract()
  const loads = (Object.keys(RATES) as Rate[]).map((rate) => {
    return { rate, records: tripRecords(events, RATES[rate]), runs: [] as number[] }
  })
  const outcomes = new Map<Rate, Pick<RejectRate, 'rejected' | 'isBalanced'>>()
  for (let round = 0; round <= rounds; round++) {
    for (const { rate, records, runs } of loads) {
      const { eventsPerSecond, reconciliation } = await archiveRun(contract, records)
      // The first round warms up.
      if (round > 0) runs.push(eventsPerSecond)
      const isBalanced =
        reconciliation.balanced &&
        reconciliation.received === events &&
        (outcomes.get(rate)?.isBalanced ?? true)
      outcomes.set(rate, { rejected: reconciliation.rejected, isBalanced })
    }
  }
  return loads.map(({ rate, runs }) => {
    const eventsPerSecond = runs.sort((a, b) => a - b)[runs.length >> 1]!
    return { rate, eventsPerSecond, ...outcomes.get(rate)! }
  })
}

/** Archiving at each reject rate beside archiving without rejects; `equal` says that the stores balance. */
export async function* run(): AsyncIterable<Comparison> {
  const measured = await measureRejects(20_000, 3)
  const none = measured.find(({ rate }) => rate === 'none')!
  for (const { rate, eventsPerSecond, rejected, isBalanced } of measured) {
    if (rate === 'none') continue
    yield {
      name: `rejects/${rate}`,
      peer: 'the same load without rejects',
      ours: Math.round(eventsPerSecond),
      theirs: Math.round(none.eventsPerSecond),
      ratio: Number((eventsPerSecond / none.eventsPerSecond).toFixed(2)),
      unit: 'events per second and core, record to journal',
      equal: isBalanced && none.isBalanced,
      rejected,
    }
  }
}
