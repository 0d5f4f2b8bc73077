import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { maintainTableEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(maintainTableEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const s3 = new S3Client(config)
const dynamoDb = new DynamoDBClient(config)
const { documents, views } = readProductBundle(import.meta.dirname)

export const handler = makeHandler({
  log: createLog(env),
  lake: {
    objects: new S3ObjectStore({ client: s3 }),
    catalog: new GlueCatalog({ client: new GlueClient(config) }),
    clock: systemClock,
    ids: systemIds,
  },
  remover: new S3ObjectRemover({ client: s3 }),
  journal: new DynamoDbJournal({ client: dynamoDb, tableName: env.JOURNAL_TABLE }),
  generations: new DynamoDbGenerationStore({ client: dynamoDb, tableName: env.SLOTS_TABLE }),
  slotsOf: slotsOfGenerations({ client: dynamoDb, tableName: env.SLOTS_TABLE }),
  contracts: contractVersions(documents),
  views,
  layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
  database: env.DATABASE,
  swap: { pause: jitteredBackoff({ sleep: (ms) => sleep(ms), random: Math.random }) },
})
