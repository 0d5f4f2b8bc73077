import { describe } from 'vitest'
import { DynamoDbFeatureAudit } from '#lib/adapters/dynamodb/dynamodb-feature-audit.ts'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import { featureAuditContract } from '#test/ports/feature-audit-contract.ts'
import { featureBuffersContract } from '#test/ports/feature-buffers-contract.ts'
import { publicationStoreContract } from '#test/ports/publication-store-contract.ts'
import { createTable } from '#test/support/tables.ts'

describe('buffers', () =>
  featureBuffersContract(
    async (views) => new DynamoDbFeatureBuffers({ ...(await createTable()), views }),
  ))
describe('records', () =>
  featureAuditContract(async () => new DynamoDbFeatureAudit(await createTable())))
describe('publications', () =>
  publicationStoreContract(async () => new DynamoDbPublicationStore(await createTable())))
