import { MemorySlotStore } from '#lib/adapters/memory/memory-slot-store.ts'
import { slotInventoryContract } from '#test/ports/slot-inventory-contract.ts'

slotInventoryContract(async () => {
  const slots = new MemorySlotStore()
  return { slots, inventory: slots }
})
