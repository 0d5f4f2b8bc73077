import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  type KinesisClient,
  ListShardsCommand,
  ResourceNotFoundException,
  type Shard,
} from '@aws-sdk/client-kinesis'
import type { ParentsByShard, ShardLineage } from '#lib/domain/ingest/lineage.ts'
import { digitsOf, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'

/** A shard that is at its end may say so only with the page after the last. */
const EMPTY_PAGES_AT_THE_TIP = 2

/** The shards of a Kinesis stream, named by its ARN, as it lists them: closed ones only until its retention ends. */
export class KinesisShardLineage implements ShardLineage {
  readonly #client: KinesisClient
  readonly #streamArn: string

  constructor(options: { readonly client: KinesisClient; readonly streamArn: string }) {
    this.#client = options.client
    this.#streamArn = options.streamArn
  }

  async parents(): Promise<ParentsByShard> {
    const shards = await this.#shards()
    return new Map(
      shards.map(({ ShardId, ParentShardId, AdjacentParentShardId }) => [
        ShardId!,
        [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
      ]),
    )
  }

  async isDrained(shard: string, after: Predecessor): Promise<boolean> {
    const found = (await this.#shards()).find(({ ShardId }) => ShardId === shard)
    // Only a closed shard has an end. One that is gone has passed it.
    if (found === undefined) return true
    if (found.SequenceNumberRange?.EndingSequenceNumber === undefined) return false
    let iterator: string | undefined
    try {
      iterator = await this.#iteratorAfter(shard, after)
    } catch (error) {
      // Its retention has ended since it was listed.
      if (error instanceof ResourceNotFoundException) return true
      throw error
    }
    for (let tips = 0; iterator !== undefined && tips < EMPTY_PAGES_AT_THE_TIP; ) {
      const page: { Records?: unknown[]; NextShardIterator?: string; MillisBehindLatest?: number } =
        await this.#client.send(
          // The iterator names the stream too, but only the ARN lets IAM see which it is.
          new GetRecordsCommand({ StreamARN: this.#streamArn, ShardIterator: iterator, Limit: 1 }),
        )
      if ((page.Records ?? []).length > 0) return false
      if ((page.MillisBehindLatest ?? 0) === 0) tips += 1
      iterator = page.NextShardIterator
    }
    return true
  }

  async #iteratorAfter(shard: string, after: Predecessor): Promise<string | undefined> {
    const { ShardIterator } = await this.#client.send(
      new GetShardIteratorCommand({
        StreamARN: this.#streamArn,
        ShardId: shard,
        ...(after === START
          ? { ShardIteratorType: 'TRIM_HORIZON' as const }
          : {
              ShardIteratorType: 'AFTER_SEQUENCE_NUMBER' as const,
              StartingSequenceNumber: digitsOf(after),
            }),
      }),
    )
    return ShardIterator
  }

  async #shards(): Promise<readonly Shard[]> {
    const shards: Shard[] = []
    let next: string | undefined
    do {
      const page: { Shards?: Shard[]; NextToken?: string } = await this.#client.send(
        // A token stands for the stream: Kinesis refuses both together.
        new ListShardsCommand(next ? { NextToken: next } : { StreamARN: this.#streamArn }),
      )
      shards.push(...(page.Shards ?? []))
      next = page.NextToken
    } while (next !== undefined)
    return shards
  }
}
