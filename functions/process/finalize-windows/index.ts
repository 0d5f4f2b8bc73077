import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { KinesisStreamProgress } from '#lib/adapters/kinesis/stream-progress.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { subSlotsOf } from '#lib/domain/process/view.ts'
import { finalizeWindowsEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(finalizeWindowsEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const dynamoDb = new DynamoDBClient(config)
const { documents, views } = readProductBundle(import.meta.dirname)

export const handler = makeHandler({
  log: createLog(env),
  lake: {
    objects: new S3ObjectStore({ client: new S3Client(config) }),
    catalog: new GlueCatalog({ client: new GlueClient(config) }),
    clock: systemClock,
    ids: systemIds,
  },
  journal: new DynamoDbJournal({ client: dynamoDb, tableName: env.JOURNAL_TABLE }),
  slots: new DynamoDbSlotStore({
    client: dynamoDb,
    tableName: env.SLOTS_TABLE,
    subSlots: subSlotsOf(views),
  }),
  stream: new KinesisStreamProgress({
    client: new KinesisClient(config),
    streamArn: env.STREAM_ARN,
  }),
  contracts: contractVersions(documents),
  views,
  layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
  database: env.DATABASE,
  commit: { pause: jitteredBackoff({ sleep: (ms) => sleep(ms), random: Math.random }) },
})
