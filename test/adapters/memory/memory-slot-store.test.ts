import { MemorySlotStore } from '#lib/adapters/memory/memory-slot-store.ts'
import { slotStoreContract } from '#test/ports/slot-store-contract.ts'

slotStoreContract(async () => new MemorySlotStore())
