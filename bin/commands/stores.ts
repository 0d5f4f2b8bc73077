import { setTimeout as sleep } from 'node:timers/promises'
import { AthenaClient } from '@aws-sdk/client-athena'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { S3Client } from '@aws-sdk/client-s3'
import { AthenaQuery } from '#lib/adapters/athena/athena-query.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { KinesisStreamReader } from '#lib/adapters/kinesis/kinesis-stream-reader.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { loadTable, type Table } from '#lib/domain/lake/table.ts'
import { type DeployedCell, type DeployedProduct, productIn } from './cells.ts'
import type { CommandContext } from './context.ts'

/** The stores of one product in one cell, to read. */
export interface ProductStores {
  readonly deployed: DeployedProduct
  readonly journal: Journal
  readonly objects: ObjectStore
  readonly stream: KinesisStreamReader
  readonly layout: ProductLayout
  readonly tableName: TableName
  readonly athena: AthenaQuery
  /** The curated table as it stands now; undefined before the first `up` has ended. */
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
  const tableName = { database: deployed.cell.database, name: product }
  const client = new DynamoDBClient(config)
  return {
    deployed,
    journal: new DynamoDbJournal({ client, tableName: deployed.journalTable }),
    objects,
    stream: new KinesisStreamReader({
      client: new KinesisClient(config),
      streamName: deployed.streamName,
      sleep: (ms) => sleep(ms, undefined, { signal: context.signal }),
    }),
    layout: { bucket: deployed.bucket, region, product },
    tableName,
    athena: athenaOf(context, deployed.cell),
    table: () => loadTable({ objects, catalog, clock: systemClock, ids: systemIds }, tableName),
  }
}

/** Athena in a cell: its work group and its database. */
export function athenaOf(context: CommandContext, cell: DeployedCell): AthenaQuery {
  return new AthenaQuery({
    client: new AthenaClient(context.target.clientConfig(cell.region)),
    workGroup: cell.workGroup,
    database: cell.database,
    sleep: (ms) => sleep(ms, undefined, { signal: context.signal }),
  })
}
