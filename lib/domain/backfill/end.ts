import { dropRef } from '#lib/domain/lake/refs/refs.ts'
import { type Announce, eventOf } from './announce.ts'
import { type Backfill, isUnderWay } from './backfill.ts'
import { changeBackfill, requireBackfill } from './backfill-store.ts'
import { pinName } from './begin.ts'
import { releaseClaim } from './claims.ts'
import { branchName } from './landing.ts'
import { unlock } from './lock.ts'
import { costOf } from './plan.ts'
import { type BackfillDependencies, type BackfilledView, viewIn } from './range-tables.ts'

export interface EndDependencies extends BackfillDependencies {
  readonly announce: Announce
}

/** What a run ended with, if not with its publication. */
export interface RunError {
  readonly code: string
  readonly message: string
}

/**
 * Lets go of everything that a run held, writes down what it came to and what it cost, and tells whom it concerns. Of one that
 * was published the snapshot before stays pinned, to be rolled back to; of one that may go on, what its chunks are computed
 * from. A repeat changes nothing.
 */
export async function endBackfill(
  deps: EndDependencies,
  id: string,
  error?: RunError,
): Promise<Backfill> {
  const { store, lake, clock, swap, announce } = deps
  const before = await requireBackfill(store, id)
  const known = viewOf(deps, before)
  const spent = await store.spent(id)
  const backfill = await changeBackfill(store, id, (now) => {
    const costed = { ...now, spent, spentUsd: costOf(spent) }
    if (!isUnderWay(now)) return now.spentUsd === costed.spentUsd ? now : costed
    if (now.stop !== undefined) return { ...costed, state: 'stopped' }
    if (now.approval?.decision === 'refused') return { ...costed, state: 'refused' }
    const { code, message } = error ?? { code: 'backfill.ended', message: 'its run has ended' }
    return { ...costed, state: 'failed', failure: { code, message, atMs: clock.nowMs() } }
  })
  if (known === undefined) return backfill
  const { source, target } = known
  await releaseClaim(lake, target, id, swap)
  await unlock(store, target.name, id)
  for (let round = 1; round <= (backfill.round?.number ?? 0); round++) {
    await dropRef(lake, target, branchName(id, round), 'branch', swap)
    if (backfill.state === 'failed' || backfill.state === 'stopped') continue
    await dropRef(lake, source, pinName(id, round), 'tag', swap)
    if (round === backfill.round!.number) continue
    await dropRef(lake, target, pinName(id, round), 'tag', swap)
  }
  const phase = backfill.state === 'published' ? 'published' : 'ended'
  await announce(eventOf(backfill, phase, known))
  return backfill
}

/** As it is deployed, whatever it means by now: what is to be let go is called by its name and version. */
function viewOf(deps: BackfillDependencies, { request }: Backfill): BackfilledView | undefined {
  const view = deps.views.find(({ name }) => name === request.view)
  return view && viewIn(deps, { ...view, version: request.version })
}
