import { Duration, Stack } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { runBackfillChunkEnvironment } from '#functions/backfill/run-backfill-chunk/env.ts'
import type { stepBackfillEnvironment } from '#functions/backfill/step-backfill/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { type Product, tableNamesOf } from '#lib/domain/contract/product.ts'
import { featureTableName, hasFeatureTable } from '#lib/domain/process/feature-table.ts'

/** The feature tables that can be backfilled: those of views whose windows become final. */
export function backfilledTablesOf({ name, views, contract }: Product): readonly string[] {
  return views
    .filter((view) => hasFeatureTable(view, contract))
    .map((view) => featureTableName(name, view))
}

/** What a product's backfills are done by: the steps of a run, and its chunks. */
export class BackfillFunctions extends Construct {
  readonly step: IFunction
  readonly chunk: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, catalog, stores } = props
    const { bucket, slots } = stores
    const curated = tableNamesOf(product)
    const features = backfilledTablesOf(product)
    const prefixes = [
      ...curated.map((table) => `table/${table}`),
      ...features.map((table) => `features/${table}`),
    ]
    const environment = {
      ...placeOf(props),
      BUCKET: bucket.bucket.bucketName,
      SLOTS_TABLE: slots.table.tableName,
      DATABASE: catalog.database,
    } satisfies z.input<typeof stepBackfillEnvironment> &
      z.input<typeof runBackfillChunkEnvironment>
    this.step = new ProductFunction(this, 'Step', {
      description: `Plans, pins and publishes backfills of ${product.name}`,
      codeFolder: bundles.stage('step-backfill', product),
      environment,
      memoryMib: 1024,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        slots.allow('GetItem', 'PutItem', 'Query', 'UpdateItem'),
        bucket.allowGet(...prefixes),
        // Metadata only: of the curated tables, that a snapshot is kept.
        bucket.allowPut(...prefixes.map((prefix) => `${prefix}/metadata`)),
        bucket.allowMissing(),
        catalog.allowChange(...curated, ...features),
        {
          actions: ['events:PutEvents'],
          on: [
            Stack.of(this).formatArn({
              service: 'events',
              resource: 'event-bus',
              resourceName: 'default',
            }),
          ],
        },
        allowCellKey(props),
      ],
    }).function
    this.chunk = new ProductFunction(this, 'Chunk', {
      description: `Computes chunks of backfills of ${product.name}`,
      codeFolder: bundles.stage('run-backfill-chunk', product),
      environment,
      // A chunk of two million rows, of which the view's columns are in memory.
      memoryMib: 3008,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        slots.allow('GetItem', 'PutItem', 'UpdateItem'),
        bucket.allowGet(...prefixes),
        bucket.allowPut(...features.map((table) => `features/${table}/data`)),
        bucket.allowMissing(),
        catalog.allowLook(...curated, ...features),
        allowCellKey(props),
      ],
    }).function
  }
}
