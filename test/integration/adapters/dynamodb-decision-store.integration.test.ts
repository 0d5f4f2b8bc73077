import { DynamoDbDecisionStore } from '#lib/adapters/dynamodb/dynamodb-decision-store.ts'
import { decisionStoreContract } from '#test/ports/decision-store-contract.ts'
import { createTable } from '#test/support/tables.ts'

decisionStoreContract(async () => new DynamoDbDecisionStore(await createTable()))
