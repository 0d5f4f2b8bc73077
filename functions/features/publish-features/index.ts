import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbFeatureAudit } from '#lib/adapters/dynamodb/dynamodb-feature-audit.ts'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { KinesisStreamProgress } from '#lib/adapters/kinesis/stream-progress.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { publishFeaturesEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(publishFeaturesEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const client = new DynamoDBClient(config)
const features = { client, tableName: env.FEATURES_TABLE }
const { documents, views } = readProductBundle(import.meta.dirname)

export const handler = makeHandler({
  log: createLog(env),
  lake: {
    objects: new S3ObjectStore({ client: new S3Client(config) }),
    catalog: new GlueCatalog({ client: new GlueClient(config) }),
    clock: systemClock,
    ids: systemIds,
  },
  contracts: contractVersions(documents),
  views,
  journal: new DynamoDbJournal({ client, tableName: env.JOURNAL_TABLE }),
  generations: new DynamoDbGenerationStore({ client, tableName: env.SLOTS_TABLE }),
  stream: new KinesisStreamProgress({
    client: new KinesisClient(config),
    streamArn: env.STREAM_ARN,
  }),
  store: new DynamoDbPublicationStore(features),
  buffers: new DynamoDbFeatureBuffers(features),
  audit: new DynamoDbFeatureAudit(features),
  layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
  database: env.DATABASE,
})
