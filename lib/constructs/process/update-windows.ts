import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { updateWindowsEnvironment } from '#functions/process/update-windows/env.ts'
import { JournalBell } from '#lib/constructs/kernel/journal-bell.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { tableNamesOf } from '#lib/domain/contract/product.ts'

/** Keeps the window slots of a product's views in step with its journal. */
export class UpdateWindows extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, stores } = props
    const { bucket, journal, slots } = stores
    this.function = new ProductFunction(this, 'Function', {
      description: `Updates windows of ${product.name}`,
      codeFolder: bundles.stage('update-windows', product),
      environment: {
        ...placeOf(props),
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        SLOTS_TABLE: slots.table.tableName,
      } satisfies z.input<typeof updateWindowsEnvironment>,
      memoryMib: 1024,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        journal.allow('GetItem', 'Query'),
        ...JournalBell.permissions(journal),
        bucket.allowGet(...tableNamesOf(product).map((table) => `table/${table}`), 'batches'),
        bucket.allowPut('late'),
        bucket.allowMissing(),
        slots.allow('BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'),
        allowCellKey(props),
      ],
    }).function
    new JournalBell(this, 'Bell', { journal, function: this.function })
  }
}
