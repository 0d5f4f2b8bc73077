import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Backfill, type Decision, isUnderWay } from './backfill.ts'
import { changeBackfill } from './backfill-store.ts'
import { stopped } from './budget.ts'
import type { BackfillDependencies } from './range-tables.ts'

/**
 * Has a backfill stop: whatever step is next ends it instead. Chunks that are done stay in its journal, for when it is
 * started again. A repeat changes nothing; the first one's reason stands. Throws `backfill.over` for one that has ended.
 */
export async function stopBackfill(
  { store }: Pick<BackfillDependencies, 'store'>,
  id: string,
  decision: Decision,
): Promise<Backfill> {
  return await changeBackfill(store, id, (backfill) => {
    if (backfill.stop !== undefined) return backfill
    if (isUnderWay(backfill)) return { ...backfill, stop: { ...decision, cause: 'person' } }
    throw new PlatformError(
      'backfill.over',
      `backfill ${id} is ${backfill.state}: there is nothing to stop`,
    )
  })
}

/** Throws `backfill.stopped`. */
export function refuseStopped({ id, stop }: Backfill): void {
  if (stop !== undefined) throw stopped(id, stop.reason)
}
