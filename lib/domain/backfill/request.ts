import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import { requireTable } from '#lib/domain/lake/table.ts'
import { hasFeatureTable } from '#lib/domain/process/feature-table.ts'
import { closedOf } from '#lib/domain/process/finalize-windows.ts'
import { definitionHash } from '#lib/domain/process/view.ts'
import {
  type Backfill,
  type BackfillRequest,
  type Decision,
  isUnderWay,
  overlaps,
} from './backfill.ts'
import { type BackfillPlan, MICROS_PER_DAY } from './plan.ts'
import { type BackfillDependencies, viewIn } from './range-tables.ts'
import { lastEventOf } from './window-rows.ts'

/** What a person asks for. */
export interface WantedBackfill {
  readonly view: string
  readonly from: Micros
  readonly to: Micros
  readonly label?: string
}

/**
 * The request as a document. Throws `backfill.badRange` for a range that is no whole days, `view.unknown`, and
 * `backfill.unsupportedWindow`.
 */
export function requestOf(
  deps: Pick<BackfillDependencies, 'views' | 'contracts' | 'database' | 'layout'>,
  wanted: WantedBackfill,
): BackfillRequest {
  const view = deps.views.find(({ name }) => name === wanted.view)
  if (view === undefined) {
    const known = deps.views.map(({ name }) => name).join(', ') || 'none'
    throw new PlatformError('view.unknown', `unknown view "${wanted.view}": known are ${known}`)
  }
  const { contract } = viewIn(deps, view)
  const { from, to, label } = wanted
  lastEventOf(view, to)
  if (!hasFeatureTable(view, contract)) {
    throw new PlatformError(
      'backfill.noTable',
      `view "${view.name}" has no feature table: its contract says of no event that it is late (weir.allowedLatenessSeconds), so no window is ever final`,
    )
  }
  if (from % MICROS_PER_DAY !== 0 || to % MICROS_PER_DAY !== 0 || from >= to) {
    throw new PlatformError(
      'backfill.badRange',
      `a backfill is of whole days, UTC: ${isoOf(from)} to ${isoOf(to)} is none; write --from 2026-01-01 --to 2026-02-01, the end not included`,
    )
  }
  return {
    product: deps.layout.product,
    view: view.name,
    version: view.version ?? 1,
    definition: definitionHash(view, contract),
    from,
    to,
    ...(label === undefined ? {} : { label }),
  }
}

/** The same for requests that say the same, whoever makes them, whenever. */
export function backfillId(request: BackfillRequest): string {
  const { product, view, version, definition, from, to, label } = request
  const meaning = [product, view, version, definition, from, to, label ?? '']
  const day = (at: Micros) => isoOf(at).slice(0, 10).replaceAll('-', '')
  const hash = contentHash(Buffer.from(JSON.stringify(meaning))).slice(0, 8)
  return `${view}-${day(from)}-${day(to)}-${hash}`
}

/**
 * Throws `backfill.notFinal` where windows of the range are still open: the stream would write rows of them a second time.
 */
export async function requireFinal(
  { lake }: Pick<BackfillDependencies, 'lake'>,
  target: Parameters<typeof requireTable>[1],
  lastEnd: Micros,
): Promise<void> {
  const { table } = await requireTable(lake, target)
  const closed = closedOf(table)
  if (closed >= lastEnd) return
  throw new PlatformError(
    'backfill.notFinal',
    `${target.name} has its windows closed up to ${isoOf(closed)}, and the last one of this range ends at ${isoOf(lastEnd)}: end it earlier, or wait`,
    { retryable: true },
  )
}

export interface StartOptions {
  readonly budgetUsd?: number
  /** Publish results that a check finds wrong all the same. */
  readonly accept?: string
}

/** What became of a request, and how the state machine's run is called; undefined if there is nothing to run. */
export interface Started {
  readonly backfill: Backfill
  readonly execution: string | undefined
  /** Whether this call has begun or resumed it. */
  readonly isNew: boolean
}

const ATTEMPTS = 20

/**
 * Writes a request down, once: whoever asks for the same gets the same backfill. One that was stopped or has failed goes on
 * where it was; one that is under way or published is answered as it is, and its run may be started again, since runs of one
 * name are one.
 *
 * Throws `backfill.overlaps` if another one of the same view is under way in a part of the range, and `backfill.refused`
 * for one that a person has refused.
 */
export async function startBackfill(
  { store, clock }: Pick<BackfillDependencies, 'store' | 'clock'>,
  request: BackfillRequest,
  plan: BackfillPlan,
  decision: Omit<Decision, 'atMs'>,
  { budgetUsd, accept }: StartOptions = {},
): Promise<Started> {
  const id = backfillId(request)
  for (let tries = 0; tries < ATTEMPTS; tries++) {
    const stored = await store.load(id)
    const before = stored?.document
    if (before !== undefined && (isUnderWay(before) || isOver(before))) return answered(before)
    await refuseOverlaps(store, id, request)
    const requested = { ...decision, atMs: clock.nowMs() }
    const next: Backfill = {
      ...(before === undefined ? { id, request } : continued(before)),
      requested,
      state: 'requested',
      attempt: (before?.attempt ?? 0) + 1,
      plan: before?.plan ?? plan,
      budgetUsd: budgetUsd ?? before?.budgetUsd ?? plan.usd.high,
      ...(accept === undefined ? {} : { accepted: { ...requested, reason: accept } }),
    }
    if (await store.save(next, stored?.revision)) return { ...answered(next), isNew: true }
  }
  throw new PlatformError('backfill.contended', `somebody else changes backfill ${id}: try again`, {
    retryable: true,
  })
}

/** Runs of one name are one; each attempt has its own. */
export function executionName({ id, attempt }: Pick<Backfill, 'id' | 'attempt'>): string {
  return `${id}-${attempt}`
}

function answered(backfill: Backfill): Started {
  if (backfill.state === 'refused') {
    const { by, reason } = backfill.approval!
    throw new PlatformError(
      'backfill.refused',
      `${by} has refused backfill ${backfill.id}: ${reason}; ask for it under another --label`,
    )
  }
  const execution = isUnderWay(backfill) ? executionName(backfill) : undefined
  return { backfill, execution, isNew: false }
}

function isOver({ state }: Backfill): boolean {
  return state === 'published' || state === 'refused' || state === 'rolledBack'
}

/** What stays of an attempt that was stopped or has failed: its plan, its approval, its round and what it has cost. */
function continued({ stop: _stop, failure: _failure, taskToken: _token, ...kept }: Backfill) {
  return kept
}

async function refuseOverlaps(
  store: BackfillDependencies['store'],
  id: string,
  request: BackfillRequest,
): Promise<void> {
  const rival = (await store.list()).find(
    (one) =>
      one.id !== id &&
      isUnderWay(one) &&
      one.request.view === request.view &&
      one.request.version === request.version &&
      overlaps(one.request, request),
  )
  if (rival === undefined) return
  throw new PlatformError(
    'backfill.overlaps',
    `backfill ${rival.id} is ${rival.state} in a part of this range: wait for it, or stop it`,
    { context: { other: rival.id } },
  )
}
