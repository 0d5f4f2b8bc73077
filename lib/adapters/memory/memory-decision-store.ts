import type { DecisionStore, KeptDecision } from '#lib/domain/features/decide/decision-store.ts'
import { parseExact, stringifyExact } from '#lib/domain/lake/exact-json.ts'

/** Decisions in memory, held to the same contract tests as those in DynamoDB. */
export class MemoryDecisionStore implements DecisionStore {
  readonly #kept = new Map<string, string>()

  async keep(decision: KeptDecision): Promise<KeptDecision> {
    const id = `${decision.decision}#${decision.id}`
    const known = this.#kept.get(id)
    if (known !== undefined) return parseExact(known) as KeptDecision
    this.#kept.set(id, stringifyExact(decision))
    return decision
  }
}
