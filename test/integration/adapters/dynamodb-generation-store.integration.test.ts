import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { generationStoreContract } from '#test/ports/generation-store-contract.ts'
import { createTable } from '#test/support/tables.ts'

generationStoreContract(async () => new DynamoDbGenerationStore(await createTable()))
