import { MemoryGenerationStore } from '#lib/adapters/memory/memory-generation-store.ts'
import { generationStoreContract } from '#test/ports/generation-store-contract.ts'

generationStoreContract(async () => new MemoryGenerationStore())
