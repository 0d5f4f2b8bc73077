import { setTimeout as sleep } from 'node:timers/promises'
import { AthenaClient } from '@aws-sdk/client-athena'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { KMSClient } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { AthenaQuery } from '#lib/adapters/athena/athena-query.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { KinesisStreamReader } from '#lib/adapters/kinesis/kinesis-stream-reader.ts'
import { KmsKeyWrapper } from '#lib/adapters/kms/kms-key-wrapper.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { type ContractVersions, versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { OpenText } from '#lib/domain/ingest/replay-candidates.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { type Lake, loadTable, type Table } from '#lib/domain/lake/table.ts'
import type { ProductTable } from '#lib/domain/ops/product-tables.ts'
import { isSealedText, openRejected } from '#lib/domain/privacy/open-rejected.ts'
import type { SlotsOf } from '#lib/domain/process/generations/feed-generations.ts'
import type { GenerationStore } from '#lib/domain/process/generations/generation-store.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { type DeployedCell, type DeployedProduct, productIn, workGroupOf } from './cells.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'

/** The stores of one product in one cell, to read. */
export interface ProductStores {
  readonly deployed: DeployedProduct
  readonly journal: Journal
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
  readonly objects: ObjectStore
  readonly lake: Lake
  readonly stream: KinesisStreamReader
  readonly layout: ProductLayout
  /** The contract's versions, as the project has them. */
  readonly contracts: ContractVersions
  /** Its views, likewise. */
  readonly views: readonly ViewDefinition[]
  /** Of the curated tables, one per major of the contract, oldest first. */
  readonly tableNames: readonly string[]
  readonly athena: AthenaQuery
  /** The text of a rejected event, also if it is sealed: for who may decrypt with the cell's key of unknown content. */
  readonly openRejected: OpenText
  /** The curated tables as they stand now. */
  tables(): Promise<readonly ProductTable[]>
  /** The newest of them; undefined before the first `up` has ended. */
  table(): Promise<Table | undefined>
}

/** Opens the stores of a product in a region. Fails with one line if it is not deployed there. */
export async function productStores(
  context: CommandContext,
  region: string,
  product: string,
): Promise<ProductStores> {
  const deployed = await productIn(context, region, product)
  const config = context.target.clientConfig(region)
  const objects = new S3ObjectStore({ client: new S3Client(config) })
  const catalog = new GlueCatalog({ client: new GlueClient(config) })
  const lake = { objects, catalog, clock: systemClock, ids: systemIds }
  const load = (name: string) => loadTable(lake, { database: deployed.cell.database, name })
  const { sources, views } = await productNamed(context, product)
  const contracts = versionsOf(sources.map((source) => source.contract))
  const { majors } = contracts
  const tables = async () =>
    Promise.all(
      majors.map(async (contract): Promise<ProductTable> => {
        const name = tableNameOf(contract)
        return { major: majorOf(contract.version), name, table: await load(name) }
      }),
    )
  const client = new DynamoDBClient(config)
  return {
    deployed,
    journal: new DynamoDbJournal({ client, tableName: deployed.journalTable }),
    generations: new DynamoDbGenerationStore({ client, tableName: deployed.slotsTable }),
    slotsOf: slotsOfGenerations({ client, tableName: deployed.slotsTable }),
    objects,
    lake,
    stream: new KinesisStreamReader({
      client: new KinesisClient(config),
      streamName: deployed.streamName,
      sleep: (ms) => sleep(ms, undefined, { signal: context.signal }),
    }),
    layout: { bucket: deployed.bucket, region, product },
    contracts,
    views,
    tableNames: majors.map(tableNameOf),
    openRejected: openerIn(context, deployed.cell),
    athena: athenaOf(context, deployed.cell, 'operations'),
    tables,
    table: async () => (await tables()).at(-1)?.table,
  }
}

function openerIn(context: CommandContext, { region, outputs }: DeployedCell): OpenText {
  const client = new KMSClient(context.target.clientConfig(region))
  return async (text, place) => {
    if (!isSealedText(text)) return text
    const { UndecodableKey: keyArn, CellName: cell } = outputs
    if (keyArn === undefined || cell === undefined) {
      throw new CommandError(
        'cell.outdated',
        `the cell in ${region} does not say which key sealed its rejected events: run \`npm run weir -- up\``,
      )
    }
    return openRejected(new KmsKeyWrapper({ client, keyArn }), cell, text, place)
  }
}

/** Athena in a cell: its database, and the work group of a purpose. */
export function athenaOf(
  context: CommandContext,
  cell: DeployedCell,
  purpose: string,
): AthenaQuery {
  return new AthenaQuery({
    client: new AthenaClient(context.target.clientConfig(cell.region)),
    workGroup: workGroupOf(cell, purpose),
    database: cell.database,
    sleep: (ms) => sleep(ms, undefined, { signal: context.signal }),
  })
}
