import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbDecisionStore } from '#lib/adapters/dynamodb/dynamodb-decision-store.ts'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { DecisionStreams } from '#lib/adapters/kinesis/decision-streams.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { stateNameOf } from '#lib/domain/process/view.ts'
import { decideEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(decideEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents, views, decisions = [] } = readProductBundle(import.meta.dirname)
const client = new DynamoDBClient(config)
const slots = { client, tableName: env.SLOTS_TABLE }
const features = { client, tableName: env.FEATURES_TABLE }
const streams = new DecisionStreams({
  region: env.WEIR_REGION,
  streams: JSON.parse(env.LOG_STREAMS),
})

export const handler = makeHandler({
  contracts: contractVersions(documents),
  views,
  decisions,
  generations: new DynamoDbGenerationStore(slots),
  slotsOf: slotsOfGenerations(slots),
  publications: new DynamoDbPublicationStore(features),
  buffers: new DynamoDbFeatureBuffers({
    ...features,
    views: views.map((view) => stateNameOf(view)),
  }),
  store: new DynamoDbDecisionStore(slots),
  log: (log, event) => streams.send(log, event),
  clock: systemClock,
})
