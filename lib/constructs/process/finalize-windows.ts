import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { finalizeWindowsEnvironment } from '#functions/process/finalize-windows/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { tableNamesOf } from '#lib/domain/contract/product.ts'
import { featureTableName } from '#lib/domain/process/feature-table.ts'

/** Writes the final rows of a product's views to their feature tables. The sweep rings it. */
export class FinalizeWindows extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, catalog, stores } = props
    const { bucket, journal, slots, stream } = stores
    const tables = product.views.map((view) => featureTableName(product.name, view))
    this.function = new ProductFunction(this, 'Function', {
      description: `Finalizes windows of ${product.name}`,
      codeFolder: bundles.stage('finalize-windows', product),
      environment: {
        ...placeOf(props),
        STREAM_ARN: stream.stream.streamArn,
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        SLOTS_TABLE: slots.table.tableName,
        DATABASE: catalog.database,
      } satisfies z.input<typeof finalizeWindowsEnvironment>,
      memoryMib: 1024,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        stream.allowRead(),
        journal.allow('GetItem', 'Query'),
        bucket.allowGet(
          ...tableNamesOf(product).map((table) => `table/${table}`),
          'batches',
          'features',
        ),
        bucket.allowPut('features'),
        bucket.allowMissing(),
        slots.allow('BatchGetItem', 'GetItem', 'Query', 'UpdateItem'),
        ...(tables.length === 0 ? [] : [catalog.allowCommit(...tables)]),
        allowCellKey(props),
      ],
    }).function
  }
}
