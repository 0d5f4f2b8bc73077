import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Backfill, Decision } from './backfill.ts'
import { changeBackfill } from './backfill-store.ts'
import type { BackfillDependencies } from './range-tables.ts'

/** Wakes whoever waits with this token; one that nobody waits with any more is no error. */
export type Wake = (token: string) => Promise<void>

/**
 * Writes down that a person has approved or refused a backfill, once, and then wakes the run that waits for it. The decision
 * comes first: a run that is woken, or never slept, reads it. A repeat wakes again and changes nothing.
 *
 * Throws `backfill.decided` if it was decided the other way, and `backfill.notWaiting` where nobody has to approve it.
 */
export async function decideOn(
  { store, wake }: Pick<BackfillDependencies, 'store'> & { readonly wake: Wake },
  id: string,
  decision: Decision & { readonly decision: 'approved' | 'refused' },
): Promise<Backfill> {
  const decided = await changeBackfill(store, id, (backfill) => {
    const { approval, state, plan } = backfill
    if (approval?.decision === decision.decision) return backfill
    if (approval !== undefined) {
      throw new PlatformError(
        'backfill.decided',
        `${approval.by} has ${approval.decision} backfill ${id} already: ${approval.reason}`,
      )
    }
    if (plan?.needsApproval !== true || (state !== 'requested' && state !== 'waiting')) {
      throw new PlatformError(
        'backfill.notWaiting',
        `backfill ${id} is ${state}: it does not wait for anybody's approval`,
      )
    }
    return { ...backfill, approval: decision }
  })
  if (decided.taskToken !== undefined) await wake(decided.taskToken)
  return decided
}

/**
 * Leaves the token of a run that waits for a person. Where the decision has been made meanwhile, or somebody has stopped the
 * backfill, it is woken at once: the token is written before the decision is looked for, and whoever decides looks for the
 * token afterwards, so one of the two wakes it.
 */
export async function waitForApproval(
  { store, wake }: Pick<BackfillDependencies, 'store'> & { readonly wake: Wake },
  id: string,
  token: string,
): Promise<void> {
  const { approval, stop } = await changeBackfill(store, id, (backfill) =>
    backfill.taskToken === token ? backfill : { ...backfill, state: 'waiting', taskToken: token },
  )
  if (approval !== undefined || stop !== undefined) await wake(token)
}

/** Whether a person still has to look at it. */
export function needsDecision({ plan, approval }: Backfill): boolean {
  return plan?.needsApproval === true && approval === undefined
}
