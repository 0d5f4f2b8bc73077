import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { DescribeStreamSummaryCommand, KinesisClient } from '@aws-sdk/client-kinesis'
import { KMSClient } from '@aws-sdk/client-kms'
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda'
import { S3Client } from '@aws-sdk/client-s3'
import type { ClientConfig } from '#lib/adapters/aws/client-config.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbSlotInventory } from '#lib/adapters/dynamodb/dynamodb-slot-inventory.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { GlueTableRemover } from '#lib/adapters/glue/glue-table-remover.ts'
import { KinesisStreamProgress } from '#lib/adapters/kinesis/stream-progress.ts'
import { deriveIdentityKey } from '#lib/adapters/kms/identity-key.ts'
import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { curatedFromRaw } from '#lib/domain/ingest/curated-from-raw.ts'
import { type Identify, keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import type { CompareDependencies } from '#lib/domain/process/generations/compare.ts'
import type { DropDependencies } from '#lib/domain/process/generations/drop.ts'
import type { Generations } from '#lib/domain/process/generations/generations.ts'
import type { ReplayDependencies } from '#lib/domain/process/generations/replay.ts'
import type { SwitchDependencies } from '#lib/domain/process/generations/switch.ts'
import { FIRST_GENERATION } from '#lib/domain/process/view.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import { type ProductStores, productStores } from './stores.ts'

const PAUSE_MS = 1_000

/** All that is done with generations of a product in one cell. Its views are those of this project. */
export interface GenerationStores
  extends ReplayDependencies,
    SwitchDependencies,
    CompareDependencies,
    DropDependencies {
  readonly deployed: ProductStores['deployed']
}

/** Opens them. Fails with one line if the product is not deployed in the region. */
export async function generationStores(
  context: CommandContext,
  region: string,
  productName: string,
): Promise<GenerationStores> {
  const product = await productNamed(context, productName)
  const stores = await productStores(context, region, productName)
  const { deployed, objects } = stores
  const config = context.target.clientConfig(region)
  const table = { client: new DynamoDBClient(config), tableName: deployed.slotsTable }
  const glue = new GlueClient(config)
  const kinesis = new KinesisClient(config)
  const pause = (ms: number) => sleep(ms, undefined, { signal: context.signal })
  const streamArn = await streamArnOf(kinesis, deployed.streamName)
  const { contracts, journal, layout } = stores
  const identify = once(() => identifyOf(config, deployed.functions.archiveEvents))
  const fromRaw = curatedFromRaw({ objects, journal, contracts, layout, identify })
  return {
    deployed,
    contracts: stores.contracts,
    views: product.views,
    journal: stores.journal,
    objects: fromRaw,
    clock: systemClock,
    layout: stores.layout,
    database: deployed.cell.database,
    lake: {
      objects: fromRaw,
      catalog: new GlueCatalog({ client: glue }),
      clock: systemClock,
      ids: systemIds,
    },
    commit: { pause: jitteredBackoff({ sleep: pause, random: Math.random }) },
    stream: new KinesisStreamProgress({ client: kinesis, streamArn }),
    generations: new DynamoDbGenerationStore(table),
    slotsOf: slotsOfGenerations(table),
    inventory: new DynamoDbSlotInventory({ ...table, sleep: pause }),
    pause: () => pause(PAUSE_MS),
    remover: new S3ObjectRemover({ client: new S3Client(config) }),
    tables: new GlueTableRemover({ client: glue }),
  }
}

/** The stream's ARN, by which alone IAM sees which stream a call means. */
export async function streamArnOf(client: KinesisClient, streamName: string): Promise<string> {
  const { StreamDescriptionSummary: stream } = await client.send(
    new DescribeStreamSummaryCommand({ StreamName: streamName }),
  )
  return stream!.StreamARN!
}

/** The identity of events in the cell, as its archive has it. */
export async function identifyOf(config: ClientConfig, archiveEvents: string): Promise<Identify> {
  const { Environment: environment } = await new LambdaClient(config).send(
    new GetFunctionConfigurationCommand({ FunctionName: archiveEvents }),
  )
  const keyArn = environment?.Variables?.IDENTITY_KEY_ARN
  if (keyArn === undefined) {
    throw new CommandError(
      'cell.outdated',
      `function ${archiveEvents} names no identity key: it was deployed by another version; run \`npm run weir -- up\``,
    )
  }
  return keyedIdentity(await deriveIdentityKey(new KMSClient(config), keyArn))
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let begun: Promise<T> | undefined
  return () => {
    begun ??= work()
    return begun
  }
}

/** The stores with the views as the deployed functions have written them down: this project may have others by now. */
export function asDeployed(
  stores: GenerationStores,
  generations: Generations | undefined,
): GenerationStores {
  const { views } = generations?.byName[FIRST_GENERATION] ?? {}
  return views === undefined ? stores : { ...stores, views }
}
