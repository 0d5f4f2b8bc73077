import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { type Fences, readFences, refuseOnHold } from '#lib/domain/lake/fences.ts'
import { createTag } from '#lib/domain/lake/refs/refs.ts'
import { requireTable, type Table } from '#lib/domain/lake/table.ts'
import type { Backfill, Round } from './backfill.ts'
import { changeBackfill, requireBackfill } from './backfill-store.ts'
import { claimRange } from './claims.ts'
import { lockRange } from './lock.ts'
import { chunkNames } from './plan.ts'
import { type BackfillDependencies, backfilledView } from './range-tables.ts'
import { requireFinal } from './request.ts'
import { refuseStopped } from './stop.ts'
import { lastEventOf } from './window-rows.ts'

const HOUR_MS = 3_600_000
/** A tag keeps a snapshot so long, whoever forgets it. */
export const PIN_MS = 30 * 24 * HOUR_MS

/**
 * Makes a backfill the only one that may replace its range, and pins what its chunks are computed from. A repeat goes on
 * holding what it holds, and pins the same snapshots.
 *
 * The order: the lock, so that no rival is let in; the claim in the table, from which on no earlier holder can publish; the
 * round in the backfill's document, which names the snapshots; then their tags. A death before the tags leaves snapshots
 * that may expire: then another round is begun, and nothing was computed from the lost one.
 *
 * Throws `backfill.locked` and `backfill.sourceBehind` (both retryable), `lake.onHold`.
 */
export async function beginBackfill(deps: BackfillDependencies, id: string): Promise<Backfill> {
  const { store, clock, lake, swap } = deps
  const backfill = await requireBackfill(store, id)
  refuseStopped(backfill)
  const { request, plan } = backfill
  const { view, target } = backfilledView(deps, request)
  await requireFinal(deps, target, lastEventOf(view, request.to))
  const lifeMs = Math.max(HOUR_MS, 3 * (plan?.seconds.high ?? 0) * 1000)
  const wanted = { id, from: request.from, to: request.to }
  const lock = await lockRange(store, target.name, wanted, { nowMs: clock.nowMs(), lifeMs })
  refuseOnHold(await claimRange(lake, target, lock, swap))
  const begun = await changeBackfill(store, id, (now) =>
    now.state === 'running' && now.fence === lock.fence
      ? now
      : { ...now, state: 'running', fence: lock.fence },
  )
  // What an earlier attempt has computed stays good as long as its snapshots are pinned.
  const isPinned = begun.round !== undefined && (await pin(deps, begun, begun.round))
  if (isPinned) return begun
  return await nextRound(deps, id, chunkNames(request, plan!))
}

/** Pins what these chunks are to be computed from, anew. Throws `backfill.sourceBehind` (retryable). */
export async function nextRound(
  deps: BackfillDependencies,
  id: string,
  chunks: readonly string[],
): Promise<Backfill> {
  const { store, clock, lake } = deps
  for (;;) {
    const before = await requireBackfill(store, id)
    const { source, target } = backfilledView(deps, before.request)
    // The feature table first: what it has of the stream, the rows read after it must have, too.
    const { table: present } = await requireTable(lake, target)
    const { table: rows } = await requireTable(lake, source)
    requireNotBehind(await readFences(rows), await readFences(present), source)
    const number = (before.round?.number ?? 0) + 1
    const round: Round = {
      number,
      source: snapshotOf(rows),
      present: requireSnapshot(present),
      atMs: clock.nowMs(),
      chunks,
    }
    const next = await changeBackfill(store, id, (now) =>
      (now.round?.number ?? 0) >= number ? now : { ...now, round },
    )
    if (await pin(deps, next, next.round!)) return next
  }
}

/** False if one of the snapshots has expired. */
async function pin(deps: BackfillDependencies, { id, request }: Backfill, round: Round) {
  const { source, target } = backfilledView(deps, request)
  try {
    await tag(deps, source, id, round, round.source)
    await tag(deps, target, id, round, round.present)
    return true
  } catch (error) {
    if ((error as { code?: unknown }).code === 'lake.snapshotGone') return false
    throw error
  }
}

async function tag(
  { lake, swap }: BackfillDependencies,
  name: TableName,
  id: string,
  round: Round,
  snapshot: string | null,
): Promise<void> {
  if (snapshot === null) return
  await createTag(lake, name, pinName(id, round.number), {
    snapshotId: BigInt(snapshot),
    maxRefAgeMs: PIN_MS,
    ...(swap && { swap }),
  })
}

/** The tag that keeps what a round is computed from and compared with. */
export function pinName(id: string, round: number): string {
  return `backfill-${id}-r${round}`
}

function snapshotOf({ currentSnapshot }: Table): string | null {
  return currentSnapshot === undefined ? null : String(currentSnapshot.snapshotId)
}

/** A feature table has closed windows only with a snapshot. */
function requireSnapshot(table: Table): string {
  const snapshot = snapshotOf(table)
  if (snapshot !== null) return snapshot
  throw new PlatformError('backfill.notFinal', `${table.name.name} has no rows yet: wait`, {
    retryable: true,
  })
}

/**
 * The stream's rows reach both tables by two ways. Rows that the windows have and the source has not yet would be lost by
 * computing the windows anew: nothing would ever bring them back, since the feature table's fence is past them.
 */
function requireNotBehind(source: Fences, target: Fences, name: TableName): void {
  const behind = Object.entries(target).find(
    ([shard, fence]) => fence !== START && !reaches(source[shard] ?? START, fence),
  )
  if (behind === undefined) return
  throw new PlatformError(
    'backfill.sourceBehind',
    `${name.name} is behind the feature table in shard ${behind[0]}: wait until commit-snapshots has caught up`,
    { retryable: true, context: { shard: behind[0] } },
  )
}

function reaches(fence: Predecessor, other: Exclude<Predecessor, typeof START>): boolean {
  return fence === other || (fence !== START && isAfter(fence, other))
}
