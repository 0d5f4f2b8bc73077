import { describe } from 'vitest'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbKeyTable } from '#lib/adapters/dynamodb/dynamodb-key-table.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { GlueTableRemover } from '#lib/adapters/glue/glue-table-remover.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { catalogContract } from '#test/ports/catalog-contract.ts'
import { journalContract } from '#test/ports/journal-contract.ts'
import { keyTableContract } from '#test/ports/key-table-contract.ts'
import { objectStoreContract } from '#test/ports/object-store-contract.ts'
import { slotStoreContract } from '#test/ports/slot-store-contract.ts'
import { GivenChoices } from '../kernel/choices.ts'
import { DynamoDbModel } from './dynamodb.ts'
import { GlueModel } from './glue.ts'
import type { Call, Network } from './network.ts'
import { Process } from './process.ts'
import { S3Model } from './s3.ts'

// The adapters are those of the deployed functions: what they are promised by AWS, the models have to keep.

const network = {
  send: async <Answer>(_process: Process, call: Call<Answer>) => call.apply(),
} as unknown as Network
const basis = {
  network,
  choices: new GivenChoices(new Map()),
  nowMs: () => 1,
  onChange: () => {},
}
const process = new Process('test')
const dynamodb = () => ({ client: new DynamoDbModel(basis).client(process), tableName: 'table' })

describe('the journal on the model of DynamoDB', () => {
  journalContract(async () => new DynamoDbJournal(dynamodb()))
})

describe('window slots on the model of DynamoDB', () => {
  slotStoreContract(async () => new DynamoDbSlotStore(dynamodb()))
})

describe('keys on the model of DynamoDB', () => {
  keyTableContract(async () => new DynamoDbKeyTable(dynamodb()))
})

describe('objects on the model of S3', () => {
  const client = new S3Model(basis).client(process)
  objectStoreContract(async () => ({
    store: new S3ObjectStore({ client, pause: async () => {} }),
    prefix: 's3://bucket/contract',
  }))
})

describe('the catalog on the model of Glue', () => {
  catalogContract(async () => {
    const client = new GlueModel(basis).client(process)
    return {
      catalog: new GlueCatalog({ client }),
      remover: new GlueTableRemover({ client }),
      database: 'weir',
    }
  })
})
