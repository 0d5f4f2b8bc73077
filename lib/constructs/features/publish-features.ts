import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { publishFeaturesEnvironment } from '#functions/features/publish-features/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { tableNamesOf } from '#lib/domain/contract/product.ts'
import { PUBLICATIONS_PREFIX } from '#lib/domain/features/publish/run-objects.ts'

/** Computes a product's features over its tables and publishes them, a step at a time. It writes no table and no slot. */
export class PublishFeatures extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, catalog, stores } = props
    const { bucket, journal, slots, features, stream } = stores
    const tables = tableNamesOf(product)
    this.function = new ProductFunction(this, 'Function', {
      description: `Publishes features of ${product.name}`,
      codeFolder: bundles.stage('publish-features', product),
      environment: {
        ...placeOf(props),
        STREAM_ARN: stream.stream.streamArn,
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        SLOTS_TABLE: slots.table.tableName,
        FEATURES_TABLE: features.table.tableName,
        DATABASE: catalog.database,
      } satisfies z.input<typeof publishFeaturesEnvironment>,
      // The keys and panes of a million rows.
      memoryMib: 3008,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        stream.allowRead(),
        journal.allow('GetItem', 'Query'),
        slots.allow('GetItem'),
        features.allow('BatchGetItem', 'GetItem', 'PutItem', 'Query'),
        bucket.allowGet(...tables.map((table) => `table/${table}`), PUBLICATIONS_PREFIX),
        bucket.allowPut(PUBLICATIONS_PREFIX),
        bucket.allowMissing(),
        catalog.allowLook(...tables),
        allowCellKey(props),
      ],
    }).function
  }
}
