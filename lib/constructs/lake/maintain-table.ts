import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { maintainTableEnvironment } from '#functions/lake/maintain-table/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { latestTableNamesOf, tableNamesOf } from '#lib/domain/contract/product.ts'
import { MAINTENANCE_PREFIX } from '#lib/domain/ingest/layout.ts'
import { maintenanceTableName } from '#lib/domain/ops/lake-tables.ts'
import { featureTableName } from '#lib/domain/process/feature-table.ts'

/** Tends a product's tables, a step at a time. The only function that may delete anything, and only in tables. */
export class MaintainTable extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, catalog, stores } = props
    const { bucket, journal, slots } = stores
    const curated = [
      ...tableNamesOf(product),
      ...latestTableNamesOf(product),
      maintenanceTableName(product.name),
    ]
    const features = product.views.map((view) => featureTableName(product.name, view))
    const prefixes = [
      ...curated.map((table) => `table/${table}`),
      ...features.map((table) => `features/${table}`),
    ]
    this.function = new ProductFunction(this, 'Function', {
      description: `Tends the tables of ${product.name}`,
      codeFolder: bundles.stage('maintain-table', product),
      environment: {
        ...placeOf(props),
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        SLOTS_TABLE: slots.table.tableName,
        DATABASE: catalog.database,
      } satisfies z.input<typeof maintainTableEnvironment>,
      // Compaction holds a million rows at most: 0.9 GB of twenty columns, and room for wider ones.
      memoryMib: 3008,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        journal.allow('GetItem', 'Query'),
        slots.allow('GetItem'),
        bucket.allowGet(...prefixes, MAINTENANCE_PREFIX, 'batches'),
        bucket.allowPut(...prefixes, MAINTENANCE_PREFIX),
        bucket.allowDelete(...prefixes),
        bucket.allowMissing(),
        catalog.allowCommit(...curated, ...features),
        allowCellKey(props),
      ],
    }).function
  }
}
