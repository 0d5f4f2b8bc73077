import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { subSlotsOf } from '#lib/domain/process/view.ts'
import { getFeaturesEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(getFeaturesEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents, views } = readProductBundle(import.meta.dirname)

export const handler = makeHandler({
  contracts: contractVersions(documents),
  views,
  slots: new DynamoDbSlotStore({
    client: new DynamoDBClient(config),
    tableName: env.SLOTS_TABLE,
    subSlots: subSlotsOf(views),
  }),
  clock: systemClock,
})
