import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Backfill } from './backfill.ts'
import { changeBackfill } from './backfill-store.ts'
import { costOf } from './plan.ts'
import type { BackfillDependencies } from './range-tables.ts'

/** Who stops what has used up its budget. */
export const BUDGET = 'the budget'

/**
 * Stops a backfill that has cost what it may. What chunks in flight go on to cost comes on top: that of as many as run side
 * by side. Throws `backfill.stopped` then.
 */
export async function refuseOverBudget(
  { store, clock }: Pick<BackfillDependencies, 'store' | 'clock'>,
  { id, budgetUsd }: Backfill,
): Promise<void> {
  if (budgetUsd === undefined) return
  const usd = costOf(await store.spent(id))
  if (usd < budgetUsd) return
  const reason = `it has cost $${usd.toFixed(4)} of $${budgetUsd.toFixed(4)}`
  const stop = { by: BUDGET, reason, atMs: clock.nowMs(), cause: 'budget' } as const
  await changeBackfill(store, id, (now) => (now.stop === undefined ? { ...now, stop } : now))
  throw stopped(id, reason)
}

export function stopped(id: string, reason: string): PlatformError {
  return new PlatformError('backfill.stopped', `backfill ${id} was stopped: ${reason}`)
}
