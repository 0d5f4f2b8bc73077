import { Duration } from 'aws-cdk-lib'
import { CfnEventSourceMapping, type IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { archiveEventsEnvironment } from '#functions/ingest/archive-events/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import { tableNamesOf } from '#lib/domain/contract/product.ts'
import { isSealed } from '#lib/domain/contract/stored-form.ts'

/** The only reader of a product's stream: decides what each batch was, and hands over through the journal. */
export class ArchiveEvents extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, keyTable, stores } = props
    const { stream, bucket, journal } = stores
    const isSealing = [...product.sources.map(({ contract }) => contract), product.contract].some(
      isSealed,
    )
    const tables = tableNamesOf(product).map((table) => `table/${table}/data`)
    this.function = new ProductFunction(this, 'Function', {
      description: `Archives events of ${product.name}`,
      codeFolder: bundles.stage('archive-events', product),
      environment: {
        ...placeOf(props),
        STREAM_ARN: stream.stream.streamArn,
        BUCKET: bucket.bucket.bucketName,
        JOURNAL_TABLE: journal.table.tableName,
        UNDECODABLE_KEY_ARN: keys.undecodable.keyArn,
        IDENTITY_KEY_ARN: keys.identity.keyArn,
        ...(isSealing
          ? { KEY_TABLE: keyTable.table.tableName, SUBJECT_KEY_ARN: keys.subjects.keyArn }
          : {}),
        ...(bucket.rawLockDays === undefined ? {} : { RAW_LOCK_DAYS: String(bucket.rawLockDays) }),
      } satisfies z.input<typeof archiveEventsEnvironment>,
      memoryMib: 1024,
      timeout: Duration.minutes(15),
      cellKey: keys.cell,
      permissions: [
        stream.allowRead(),
        bucket.allowPutRaw(),
        bucket.allowPut('quarantine', 'undecodable', 'batches', ...tables),
        bucket.allowGet('raw', 'batches'),
        bucket.allowMissing(),
        journal.allow('GetItem', 'PutItem', 'Query'),
        allowCellKey(props),
        // It seals what nobody could decode and cannot open it again.
        { actions: ['kms:GenerateDataKey'], on: [keys.undecodable.keyArn] },
        { actions: ['kms:GenerateMac'], on: [keys.identity.keyArn] },
        ...(isSealing
          ? [
              // It makes keys and uses them; a key that is there it can neither replace nor destroy.
              keyTable.allow('BatchGetItem', 'GetItem', 'PutItem'),
              { actions: ['kms:Decrypt', 'kms:GenerateDataKey'], on: [keys.subjects.keyArn] },
            ]
          : []),
      ],
    }).function
    this.readStream(props)
  }

  /**
   * Strictly one batch of a shard at a time, repeated until it succeeds: a second lane per shard, a limit of attempts
   * or of age, a window or a target for failures would each skip or leak data. A blocked shard shows as iterator age.
   */
  private readStream({ product, stores }: ProductScope): void {
    new CfnEventSourceMapping(this, 'Stream', {
      functionName: this.function.functionName,
      eventSourceArn: stores.stream.stream.streamArn,
      startingPosition: 'TRIM_HORIZON',
      batchSize: 10_000,
      maximumBatchingWindowInSeconds: product.contract.stream.freshnessSeconds,
      parallelizationFactor: 1,
      maximumRetryAttempts: -1,
      maximumRecordAgeInSeconds: -1,
      bisectBatchOnFunctionError: true,
    })
  }
}
