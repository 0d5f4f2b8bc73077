import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { RememberedMetadata } from '#lib/domain/lake/remembered-metadata.ts'
import { commitSnapshotsEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(commitSnapshotsEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents } = readProductBundle(import.meta.dirname)

export const handler = makeHandler({
  log: createLog(env),
  lake: {
    objects: new RememberedMetadata(new S3ObjectStore({ client: new S3Client(config) })),
    catalog: new GlueCatalog({ client: new GlueClient(config) }),
    clock: systemClock,
    ids: systemIds,
  },
  journal: new DynamoDbJournal({
    client: new DynamoDBClient(config),
    tableName: env.JOURNAL_TABLE,
  }),
  contracts: contractVersions(documents),
  layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
  database: env.DATABASE,
  commit: { pause: jitteredBackoff({ sleep: (ms) => sleep(ms), random: Math.random }) },
})
