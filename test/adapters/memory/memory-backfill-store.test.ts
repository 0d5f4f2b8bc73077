import { MemoryBackfillStore } from '#lib/adapters/memory/memory-backfill-store.ts'
import { backfillStoreContract } from '#test/ports/backfill-store-contract.ts'

backfillStoreContract(async () => new MemoryBackfillStore())
