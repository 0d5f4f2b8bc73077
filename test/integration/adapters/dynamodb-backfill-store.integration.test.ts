import { DynamoDbBackfillStore } from '#lib/adapters/dynamodb/dynamodb-backfill-store.ts'
import { backfillStoreContract } from '#test/ports/backfill-store-contract.ts'
import { createTable } from '#test/support/tables.ts'

backfillStoreContract(async () => new DynamoDbBackfillStore(await createTable()))
