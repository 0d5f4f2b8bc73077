import { describe } from 'vitest'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import { featureBuffersContract } from '#test/ports/feature-buffers-contract.ts'
import { publicationStoreContract } from '#test/ports/publication-store-contract.ts'
import { createTable } from '#test/support/tables.ts'

describe('buffers', () =>
  featureBuffersContract(
    async (views) => new DynamoDbFeatureBuffers({ ...(await createTable()), views }),
  ))
describe('publications', () =>
  publicationStoreContract(async () => new DynamoDbPublicationStore(await createTable())))
