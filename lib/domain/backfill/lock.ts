import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { overlaps } from './backfill.ts'
import type { BackfillStore } from './backfill-store.ts'

/** Somebody's right to replace a range of a table, for a time. */
export interface RangeLock {
  readonly id: string
  /** Counts the holders of the table's ranges: whoever came later has a greater one. */
  readonly fence: number
  readonly from: Micros
  readonly to: Micros
  readonly untilMs: number
}

export interface RangeLocks {
  readonly lastFence: number
  readonly held: readonly RangeLock[]
}

export type WantedLock = Pick<RangeLock, 'id' | 'from' | 'to'>

const NOBODY: RangeLocks = { lastFence: 0, held: [] }
const ATTEMPTS = 20

/**
 * Takes a range of a table, or keeps it for longer. A lock that has expired is anybody's: its holder may not know, which is
 * why the table itself is asked as well, in the swap that publishes (`claims.ts`). Pure.
 *
 * Throws `backfill.locked` (retryable) while somebody else holds a part of the range.
 */
export function withLock(
  locks: RangeLocks,
  wanted: WantedLock,
  { nowMs, lifeMs }: { readonly nowMs: number; readonly lifeMs: number },
): RangeLocks {
  const live = locks.held.filter((one) => one.id === wanted.id || one.untilMs > nowMs)
  const rival = live.find((one) => one.id !== wanted.id && overlaps(one, wanted))
  if (rival !== undefined) {
    throw new PlatformError(
      'backfill.locked',
      `backfill ${rival.id} works on a part of this range until ${new Date(rival.untilMs).toISOString()}: wait for it, or stop it`,
      { retryable: true, context: { holder: rival.id } },
    )
  }
  const own = live.find((one) => one.id === wanted.id)
  const fence = own?.fence ?? locks.lastFence + 1
  const lock = { ...wanted, fence, untilMs: nowMs + lifeMs }
  return {
    lastFence: Math.max(locks.lastFence, fence),
    held: [...live.filter((one) => one.id !== wanted.id), lock],
  }
}

/** Takes the range, or goes on holding it; answers the fence. Throws as {@link withLock}, and `backfill.contended`. */
export async function lockRange(
  store: BackfillStore,
  table: string,
  wanted: WantedLock,
  times: { readonly nowMs: number; readonly lifeMs: number },
): Promise<RangeLock> {
  const locks = await changeLocks(store, table, (before) => withLock(before, wanted, times))
  return locks.held.find(({ id }) => id === wanted.id)!
}

/** Lets go of what a backfill holds; nothing happens if it holds nothing. */
export async function unlock(store: BackfillStore, table: string, id: string): Promise<void> {
  await changeLocks(store, table, (before) => {
    if (!before.held.some((one) => one.id === id)) return before
    return { ...before, held: before.held.filter((one) => one.id !== id) }
  })
}

export function lockLost(id: string, table: string): PlatformError {
  return new PlatformError(
    'backfill.lockLost',
    `backfill ${id} no longer holds its range of ${table}: another one has taken it since; start it again`,
  )
}

async function changeLocks(
  store: BackfillStore,
  table: string,
  change: (locks: RangeLocks) => RangeLocks,
): Promise<RangeLocks> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await store.loadLocks(table)
    const before = stored?.document ?? NOBODY
    const next = change(before)
    if (next === before) return next
    if (await store.saveLocks(table, next, stored?.revision)) return next
  }
  throw new PlatformError(
    'backfill.contended',
    `somebody else changes the locks of ${table} all the time: try again`,
    { retryable: true },
  )
}
