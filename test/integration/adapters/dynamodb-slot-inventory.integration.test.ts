import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDbSlotInventory } from '#lib/adapters/dynamodb/dynamodb-slot-inventory.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { slotInventoryContract } from '#test/ports/slot-inventory-contract.ts'
import { createTable } from '#test/support/tables.ts'

slotInventoryContract(async () => {
  const table = await createTable()
  // Spread over several partitions, as views may be.
  const subSlots = new Map([['v2.one', 3]])
  return {
    slots: new DynamoDbSlotStore({ ...table, subSlots }),
    inventory: new DynamoDbSlotInventory({ ...table, sleep: (ms) => sleep(ms) }),
  }
})
