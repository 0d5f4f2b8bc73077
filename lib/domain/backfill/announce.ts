import type { Contract } from '#lib/domain/contract/contract.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { Backfill } from './backfill.ts'

export const BACKFILL_PHASES = ['begins', 'published', 'rolledBack', 'ended'] as const
/** `ended`: stopped, refused or failed; nothing of it is published. */
export type BackfillPhase = (typeof BACKFILL_PHASES)[number]

/** What those are told who live on the results. The same phase may be told more than once, by the same id. */
export interface BackfillEvent {
  /** Equal for repeats. */
  readonly id: string
  readonly backfill: string
  readonly phase: BackfillPhase
  readonly state: Backfill['state']
  readonly product: string
  readonly view: string
  readonly version: number
  /** Whom it concerns: who owns the view, and who the product. */
  readonly owners: readonly string[]
  readonly from: string
  readonly to: string
  readonly by: string
  readonly reason: string
  /** Rows that become others, or null as long as nobody knows. */
  readonly rowsBefore: number | null
  readonly rowsAfter: number | null
  readonly rowsSame: number | null
}

export type Announce = (event: BackfillEvent) => Promise<void>

/** What to tell of a backfill. */
export function eventOf(
  backfill: Backfill,
  phase: BackfillPhase,
  { view, contract }: { readonly view: ViewDefinition; readonly contract: Contract },
): BackfillEvent {
  const { id, attempt, request, requested, rollback, stop, check, state } = backfill
  const said = phase === 'rolledBack' ? (rollback ?? requested) : (stop ?? requested)
  const owners = [view.owner ?? contract.owner, contract.owner]
  return {
    id: `${id}/${attempt}/${phase}`,
    backfill: id,
    phase,
    state,
    product: request.product,
    view: request.view,
    version: request.version,
    owners: [...new Set(owners)],
    from: isoOf(request.from),
    to: isoOf(request.to),
    by: said.by,
    reason: said.reason,
    rowsBefore: check?.rowsBefore ?? null,
    rowsAfter: check?.rowsAfter ?? null,
    rowsSame: check?.rowsSame ?? null,
  }
}
