import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { commitSnapshotsEnvironment } from '#functions/lake/commit-snapshots/env.ts'
import { JournalBell } from '#lib/constructs/kernel/journal-bell.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'

/** The one committer of a product's table: appends what the journal has past the table's fence. Deletes nothing. */
export class CommitSnapshots extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, catalog, stores } = props
    const { bucket, journal } = stores
    const table = `table/${product.name}`
    this.function = new ProductFunction(this, 'Function', {
      description: `Commits snapshots of ${product.name}`,
      codeFolder: bundles.stage('commit-snapshots', product),
      environment: {
        ...placeOf(props),
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        DATABASE: catalog.database,
      } satisfies z.input<typeof commitSnapshotsEnvironment>,
      memoryMib: 512,
      timeout: Duration.minutes(2),
      cellKey: keys.cell,
      permissions: [
        journal.allow('GetItem', 'Query'),
        ...JournalBell.permissions(journal),
        bucket.allowGet(table, 'batches'),
        bucket.allowPut(table),
        bucket.allowMissing(),
        catalog.allowCommit(product.name),
        allowCellKey(props),
      ],
    }).function
    // A second to gather what several shards write at once: one commit for all of them.
    new JournalBell(this, 'Bell', { journal, function: this.function, gatherSeconds: 1 })
  }
}
