import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
} from '@aws-sdk/client-kinesis'
import { digitsOf, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { StreamProgress } from '#lib/domain/process/view-watermark.ts'
import { KinesisShardLineage } from './shard-lineage.ts'

/** Empty answers on the way to the tip, after which a shard counts as busy until it is asked again. */
const MAX_READS = 5

/** A stream's shards, and what of them nobody has read yet, as Kinesis tells it. */
export class KinesisStreamProgress extends KinesisShardLineage implements StreamProgress {
  readonly #client: KinesisClient
  readonly #streamArn: string

  constructor(options: { readonly client: KinesisClient; readonly streamArn: string }) {
    super(options)
    this.#client = options.client
    this.#streamArn = options.streamArn
  }

  async isIdle(shard: string, after: Predecessor): Promise<boolean> {
    try {
      let iterator = await this.#iterator(shard, after)
      for (let read = 0; iterator !== undefined && read < MAX_READS; read++) {
        const answer: {
          Records?: unknown[]
          NextShardIterator?: string
          MillisBehindLatest?: number
        } = await this.#client.send(
          // The iterator names the stream too, but only the ARN lets IAM see which it is.
          new GetRecordsCommand({ StreamARN: this.#streamArn, ShardIterator: iterator, Limit: 1 }),
        )
        if ((answer.Records ?? []).length > 0) return false
        // An empty answer is no end: only at the tip, or behind the last record of a closed shard, there is nothing.
        if (answer.MillisBehindLatest === 0) return true
        iterator = answer.NextShardIterator
      }
      return iterator === undefined
    } catch (error) {
      // Five reads a second are shared with the archive. Not knowing is not idle: the next minute asks again.
      if (error instanceof ProvisionedThroughputExceededException) return false
      // Closed and past the stream's retention.
      if (error instanceof ResourceNotFoundException) return true
      throw error
    }
  }

  async #iterator(shard: string, after: Predecessor): Promise<string | undefined> {
    const { ShardIterator } = await this.#client.send(
      new GetShardIteratorCommand({
        StreamARN: this.#streamArn,
        ShardId: shard,
        ...(after === START
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : {
              ShardIteratorType: 'AFTER_SEQUENCE_NUMBER',
              StartingSequenceNumber: digitsOf(after),
            }),
      }),
    )
    return ShardIterator
  }
}
