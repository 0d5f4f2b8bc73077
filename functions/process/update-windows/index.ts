import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbBusySign } from '#lib/adapters/dynamodb/dynamodb-busy-sign.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { updateWindowsEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(updateWindowsEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const client = new DynamoDBClient(config)
const { documents, views } = readProductBundle(import.meta.dirname)

const log = createLog(env)
const slots = { client, tableName: env.SLOTS_TABLE }

export const handler = makeHandler({
  log,
  busy: new DynamoDbBusySign({ ...slots, worker: 'update-windows', clock: systemClock, log }),
  contracts: contractVersions(documents),
  views,
  journal: new DynamoDbJournal({ client, tableName: env.JOURNAL_TABLE }),
  objects: new S3ObjectStore({ client: new S3Client(config) }),
  generations: new DynamoDbGenerationStore(slots),
  slotsOf: slotsOfGenerations(slots),
  clock: systemClock,
  layout: { bucket: env.BUCKET, region: env.WEIR_REGION, product: env.WEIR_PRODUCT },
})
