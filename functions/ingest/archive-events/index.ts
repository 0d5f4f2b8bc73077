import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { KMSClient } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { KinesisShardLineage } from '#lib/adapters/kinesis/shard-lineage.ts'
import { deriveIdentityKey } from '#lib/adapters/kms/identity-key.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { archiveEventsEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'
import { sealingOf } from './sealing.ts'

const env = readEnvironment(archiveEventsEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents } = readProductBundle(import.meta.dirname)
const kms = new KMSClient(config)
const dynamoDb = new DynamoDBClient(config)
const identityKey = await deriveIdentityKey(kms, env.IDENTITY_KEY_ARN)
const sealing = await sealingOf({ env, kms, dynamoDb })

export const handler = makeHandler({
  log: createLog(env),
  archive: new Archive({
    contracts: contractVersions(documents),
    journal: new DynamoDbJournal({
      client: dynamoDb,
      tableName: env.JOURNAL_TABLE,
    }),
    objects: new S3ObjectStore({ client: new S3Client(config) }),
    lineage: new KinesisShardLineage({
      client: new KinesisClient(config),
      streamArn: env.STREAM_ARN,
    }),
    identify: keyedIdentity(identityKey),
    layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
    undecodableKeyId: env.UNDECODABLE_KEY_ARN,
    ...(sealing === undefined ? {} : { sealing }),
    ...(env.RAW_LOCK_DAYS === undefined ? {} : { rawLockDays: env.RAW_LOCK_DAYS }),
  }),
})
