import { MemoryDecisionStore } from '#lib/adapters/memory/memory-decision-store.ts'
import { decisionStoreContract } from '#test/ports/decision-store-contract.ts'

decisionStoreContract(async () => new MemoryDecisionStore())
