import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { slotStoreContract } from '#test/ports/slot-store-contract.ts'
import { createTable } from '#test/support/tables.ts'

slotStoreContract(async () => new DynamoDbSlotStore(await createTable()))
