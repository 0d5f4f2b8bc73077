import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { refuseOnHold } from '#lib/domain/lake/fences.ts'
import { OPERATION } from '#lib/domain/lake/snapshot-summary.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import type { Backfill } from './backfill.ts'
import { changeBackfill, requireBackfill } from './backfill-store.ts'
import { nextRound } from './begin.ts'
import { isPublished, publishedOf, publishedProperties, requireClaim } from './claims.ts'
import { BACKFILL, chunkRecords, replacement } from './landing.ts'
import { chunkNames, chunkRange } from './plan.ts'
import {
  type BackfillDependencies,
  backfilledView,
  daysThatDiffer,
  filesByDay,
  standing,
} from './range-tables.ts'
import { requireRound } from './run-chunk.ts'
import { refuseStopped } from './stop.ts'

/** What comes of a publication: done, or chunks that live data has changed and that have to be computed anew first. */
export type Published =
  | { readonly outcome: 'published'; readonly backfill: Backfill }
  | { readonly outcome: 'chunks'; readonly chunks: readonly string[] }

/** Rounds that live data may overtake before somebody has to look. */
const MOST_ROUNDS = 6

/**
 * Makes what landed the table's, in one swap: the range's files go, the chunks' come, the claim is let go and the backfill is
 * written down as published. Live commits go on before and after. The swap happens only where the table still says that this
 * backfill holds the range, and where the range is as it was when the round began: what live data has changed since is not
 * overwritten, but computed anew.
 *
 * Throws `backfill.lockLost`, `backfill.checkFailed`, `backfill.unsettled`, `lake.onHold`, `backfill.stopped`.
 */
export async function publishBackfill(deps: BackfillDependencies, id: string): Promise<Published> {
  const { store, lake, clock, swap } = deps
  const backfill = await requireBackfill(store, id)
  if (backfill.state === 'published') return { outcome: 'published', backfill }
  refuseStopped(backfill)
  const { from, to } = backfill.request
  const { target } = backfilledView(deps, backfill.request)
  const { records, missing } = await chunkRecords(deps, backfill)
  // A dead attempt may have begun another round: nothing of it has landed yet.
  if (missing.length > 0) return { outcome: 'chunks', chunks: missing }
  if (backfill.check?.round !== requireRound(backfill).number) {
    return { outcome: 'chunks', chunks: [] }
  }
  refuseFindings(backfill)
  let moved: readonly number[] = []
  const { table } = await commit(
    lake,
    target,
    async (current) => {
      moved = []
      // Its own success comes back as a conflict, or as the state in which a dead attempt left the table.
      if (isPublished(current, id)) return undefined
      refuseOnHold(current)
      // The fence: whoever took the lock since has written that into the table, so this swap or this look fails.
      requireClaim(current, { id, fence: backfill.fence! })
      moved = await movedDays(deps, backfill, current)
      if (moved.length > 0) return undefined
      return {
        ...(await replacement(deps, backfill, current, records)),
        summary: { [OPERATION]: 'backfill', [BACKFILL]: id },
        setProperties: (snapshotId) =>
          publishedProperties(current, { id, snapshot: String(snapshotId), from, to }),
      }
    },
    swap,
  )
  if (moved.length > 0) return await anotherRound(deps, backfill, moved)
  const files = records.flatMap((record) => record.files)
  const publication = {
    snapshot: publishedOf(table).find((one) => one.id === id)!.snapshot,
    files: files.length,
    rows: files.reduce((sum, { recordCount }) => sum + recordCount, 0),
    atMs: clock.nowMs(),
  }
  const published = await changeBackfill(store, id, (now) =>
    now.state === 'published' ? now : { ...now, state: 'published', publication },
  )
  return { outcome: 'published', backfill: published }
}

function refuseFindings({ id, check, accepted }: Backfill): void {
  if (check === undefined || check.findings.length === 0) return
  // What the branch has must be what was computed: nobody can want anything else.
  const isFatal = check.findings.some(({ rule }) => rule === 'journalDiffers')
  if (accepted !== undefined && !isFatal) return
  const all = check.findings.map(({ message }) => message).join('; ')
  throw new PlatformError(
    'backfill.checkFailed',
    `backfill ${id} is not published: ${all}. If that is as it should be, start it again with --accept "<why>"`,
  )
}

/** Days whose files are not those that the round was compared with. */
async function movedDays(
  deps: BackfillDependencies,
  backfill: Backfill,
  current: Table,
): Promise<readonly number[]> {
  const { request } = backfill
  const before = standing(deps.lake, current, requireRound(backfill).present)
  const [then, now] = await Promise.all([
    filesByDay(deps.lake, before, request),
    filesByDay(deps.lake, current, request),
  ])
  return daysThatDiffer(then, now)
}

async function anotherRound(
  deps: BackfillDependencies,
  backfill: Backfill,
  moved: readonly number[],
): Promise<Published> {
  const { id, request, plan } = backfill
  const round = requireRound(backfill)
  if (round.number >= MOST_ROUNDS) {
    throw new PlatformError(
      'backfill.unsettled',
      `live data has changed the range of backfill ${id} ${round.number} times while it was computed: start it again when less late data comes, or for a shorter range`,
      { retryable: true },
    )
  }
  const chunks = chunkNames(request, plan!).filter((name) => {
    const { from, to } = chunkRange(request, plan!, name)
    return moved.some((day) => day >= from && day < to)
  })
  await nextRound(deps, id, chunks)
  return { outcome: 'chunks', chunks }
}
