import { stringifyExact } from '#lib/domain/lake/exact-json.ts'
import type { KeptDecision } from './decision-store.ts'

/** The data of a decision's event: the columns that the contract of a log of decisions has. */
export interface DecisionEvent {
  readonly request_id: string
  readonly decision: string
  readonly version: number
  readonly decided_at: string
  readonly outcome?: string
  readonly reasons: readonly string[]
  readonly is_stale: boolean
  /** JSON texts: what they hold differs from decision to decision. */
  readonly request: string
  readonly answers: string
  readonly features: string
}

export function eventOfDecision(kept: KeptDecision): DecisionEvent {
  const { id, decision, version, decidedAt, outcome, reasons = [], stale } = kept
  return {
    request_id: id,
    decision,
    version,
    decided_at: decidedAt,
    ...(outcome === undefined ? {} : { outcome }),
    reasons,
    is_stale: stale,
    request: JSON.stringify(kept.request),
    answers: JSON.stringify(kept.answers),
    features: stringifyExact(kept.features),
  }
}
