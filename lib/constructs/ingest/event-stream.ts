import { Duration, type RemovalPolicy, Validations } from 'aws-cdk-lib'
import { type IStream, Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import type { Permission } from '#lib/constructs/kernel/function-role.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'

export interface EventStreamProps {
  readonly contract: Contract
  readonly cellKey: IKey
  readonly removalPolicy: RemovalPolicy
}

/** Where producers put a product's events. Provisioned: on demand costs ten times as much for packed records. */
export class EventStream extends Construct {
  readonly stream: IStream

  constructor(scope: Construct, id: string, props: EventStreamProps) {
    super(scope, id)
    const { shards, retentionHours } = props.contract.stream
    this.stream = new Stream(this, 'Stream', {
      streamMode: StreamMode.PROVISIONED,
      shardCount: shards,
      retentionPeriod: Duration.hours(retentionHours),
      // From the first record on: what was written before encryption stays as it was.
      encryption: StreamEncryption.KMS,
      encryptionKey: props.cellKey,
      removalPolicy: props.removalPolicy,
    })
    Validations.of(this).acknowledge({
      id: 'AwsSolutions-KDS3',
      reason:
        "the cell's own key costs calls to KMS and buys that nobody outside the cell can read",
    })
  }

  /** Permission to read the stream and to see its shards. */
  allowRead(): Permission {
    return {
      actions: [
        'kinesis:DescribeStream',
        'kinesis:DescribeStreamSummary',
        'kinesis:GetRecords',
        'kinesis:GetShardIterator',
        'kinesis:ListShards',
      ],
      on: [this.stream.streamArn],
    }
  }

  /** Permission to put events into the stream. */
  allowPut(): Permission {
    return { actions: ['kinesis:PutRecords'], on: [this.stream.streamArn] }
  }
}
