import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { commitSnapshotsEnvironment } from '#functions/lake/commit-snapshots/env.ts'
import { JournalBell } from '#lib/constructs/kernel/journal-bell.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { latestTableNamesOf, tableNamesOf } from '#lib/domain/contract/product.ts'

/** The one committer of a product's tables: appends what the journal has past their fences. Deletes nothing. */
export class CommitSnapshots extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, catalog, stores } = props
    const { bucket, journal } = stores
    const latest = latestTableNamesOf(product)
    const tables = [...tableNamesOf(product), ...latest]
    const isMerging = latest.length > 0
    const prefixes = tables.map((table) => `table/${table}`)
    this.function = new ProductFunction(this, 'Function', {
      description: `Commits snapshots of ${product.name}`,
      codeFolder: bundles.stage('commit-snapshots', product),
      environment: {
        ...placeOf(props),
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        DATABASE: catalog.database,
      } satisfies z.input<typeof commitSnapshotsEnvironment>,
      // Merging changes reads whole buckets of rows.
      memoryMib: isMerging ? 2048 : 512,
      timeout: Duration.minutes(isMerging ? 10 : 2),
      cellKey: keys.cell,
      permissions: [
        journal.allow('GetItem', 'Query'),
        ...JournalBell.permissions(journal),
        bucket.allowGet(...prefixes, 'batches'),
        bucket.allowPut(...prefixes),
        bucket.allowMissing(),
        catalog.allowCommit(...tables),
        allowCellKey(props),
      ],
    }).function
    // A second to gather what several shards write at once: one commit for all of them.
    new JournalBell(this, 'Bell', { journal, function: this.function, gatherSeconds: 1 })
  }
}
