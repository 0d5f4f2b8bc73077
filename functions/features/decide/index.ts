import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbDecisionStore } from '#lib/adapters/dynamodb/dynamodb-decision-store.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { DecisionStreams } from '#lib/adapters/kinesis/decision-streams.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { decideEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(decideEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents, views, decisions = [] } = readProductBundle(import.meta.dirname)
const slots = { client: new DynamoDBClient(config), tableName: env.SLOTS_TABLE }
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
  store: new DynamoDbDecisionStore(slots),
  log: (log, event) => streams.send(log, event),
  clock: systemClock,
})
