import type { Decision } from './decide.ts'

/** A decision as it was made first. */
export interface KeptDecision extends Decision {
  readonly id: string
  readonly decidedAt: string
}

/** Remembers decisions, so that a request that comes again gets the answer it got. */
export interface DecisionStore {
  /** Keeps the decision, or answers the one that is there under its name and id: that one was given then. */
  keep(decision: KeptDecision, expiresAtMs: number): Promise<KeptDecision>
}
