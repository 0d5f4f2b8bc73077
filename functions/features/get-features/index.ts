import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { stateNameOf } from '#lib/domain/process/view.ts'
import { getFeaturesEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(getFeaturesEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents, views } = readProductBundle(import.meta.dirname)
const client = new DynamoDBClient(config)
const slots = { client, tableName: env.SLOTS_TABLE }
const features = { client, tableName: env.FEATURES_TABLE }

export const handler = makeHandler({
  contracts: contractVersions(documents),
  views,
  generations: new DynamoDbGenerationStore(slots),
  slotsOf: slotsOfGenerations(slots),
  publications: new DynamoDbPublicationStore(features),
  buffers: new DynamoDbFeatureBuffers({
    ...features,
    views: views.map((view) => stateNameOf(view)),
  }),
  clock: systemClock,
})
