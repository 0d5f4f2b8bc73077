import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { billed } from '#lib/adapters/aws/invocation-bill.ts'
import { createLedger } from '#lib/adapters/aws/ledger.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbBackfillStore } from '#lib/adapters/dynamodb/dynamodb-backfill-store.ts'
import { announceOnBus } from '#lib/adapters/eventbridge/event-bus.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { stepBackfillEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(stepBackfillEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const s3 = new S3Client(config)
const dynamoDb = new DynamoDBClient(config)
const glue = new GlueClient(config)
const ledger = createLedger()
for (const client of [s3, dynamoDb, glue]) ledger.attach(client)
const { documents, views } = readProductBundle(import.meta.dirname)
const memoryMib = Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 1024)

export const handler = makeHandler({
  log: createLog(env),
  store: new DynamoDbBackfillStore({ client: dynamoDb, tableName: env.SLOTS_TABLE }),
  lake: {
    objects: new S3ObjectStore({ client: s3 }),
    catalog: new GlueCatalog({ client: glue }),
    clock: systemClock,
    ids: systemIds,
  },
  layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
  database: env.DATABASE,
  contracts: contractVersions(documents),
  views,
  clock: systemClock,
  swap: { pause: jitteredBackoff({ sleep: (ms) => sleep(ms), random: Math.random }) },
  announce: announceOnBus({ client: dynamoDb, endpoint: process.env.AWS_ENDPOINT_URL }),
  bill: (work, note) => billed({ ledger, memoryMib, nowMs: () => performance.now() }, work, note),
})
