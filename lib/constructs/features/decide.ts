import { Duration } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { decideEnvironment } from '#functions/features/decide/env.ts'
import type { EventStream } from '#lib/constructs/ingest/event-stream.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'

/** The stream that decisions are logged to, and the contract of what is in it. */
export interface DecisionLogTarget {
  readonly stream: EventStream
  readonly contract: Contract
}

export interface DecideProps extends ProductScope {
  /** By product. */
  readonly logs: ReadonlyMap<string, DecisionLogTarget>
}

/** Answers requests from a product's features, and logs what it decided. */
export class Decide extends Construct {
  readonly function: IFunction

  constructor(scope: Construct, id: string, props: DecideProps) {
    super(scope, id)
    const { bundles, product, stores, logs } = props
    const streams = [...logs].map(([name, { stream, contract }]) => [
      name,
      {
        streamName: stream.stream.streamName,
        eventType: contract.eventType,
        spread: contract.spread,
      },
    ])
    this.function = new ProductFunction(this, 'Function', {
      description: `Decides from features of ${product.name}`,
      codeFolder: bundles.stage('decide', product),
      environment: {
        ...placeOf(props),
        SLOTS_TABLE: stores.slots.table.tableName,
        FEATURES_TABLE: stores.features.table.tableName,
        LOG_STREAMS: JSON.stringify(Object.fromEntries(streams)),
      } satisfies z.input<typeof decideEnvironment>,
      memoryMib: 512,
      timeout: Duration.seconds(10),
      cellKey: props.keys.cell,
      permissions: [
        stores.slots.allow('BatchGetItem', 'GetItem', 'PutItem', 'Query'),
        stores.features.allow('BatchGetItem', 'GetItem', 'Query'),
        ...[...logs.values()].map(({ stream }) => stream.allowPut()),
        allowCellKey(props),
      ],
    }).function
  }
}
