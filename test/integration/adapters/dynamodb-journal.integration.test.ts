import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { journalContract } from '#test/ports/journal-contract.ts'
import { createTable } from '#test/support/tables.ts'

journalContract(async () => new DynamoDbJournal(await createTable()))
