import { type KinesisClient, ListShardsCommand } from '@aws-sdk/client-kinesis'
import type { ShardLineage } from '#lib/domain/ingest/lineage.ts'

/** The parents of a stream's shards, as Kinesis lists them: closed shards only until its retention ends. */
export class KinesisShardLineage implements ShardLineage {
  readonly #client: KinesisClient
  readonly #streamName: string

  constructor(options: { readonly client: KinesisClient; readonly streamName: string }) {
    this.#client = options.client
    this.#streamName = options.streamName
  }

  async parents(): Promise<ReadonlyMap<string, readonly string[]>> {
    const parents = new Map<string, readonly string[]>()
    let next: string | undefined
    do {
      const page: { Shards?: ShardDescription[]; NextToken?: string } = await this.#client.send(
        // A token stands for the stream: Kinesis refuses both together.
        new ListShardsCommand(next ? { NextToken: next } : { StreamName: this.#streamName }),
      )
      for (const shard of page.Shards ?? []) {
        const ids = [shard.ParentShardId, shard.AdjacentParentShardId]
        parents.set(
          shard.ShardId!,
          ids.filter((id): id is string => id !== undefined),
        )
      }
      next = page.NextToken
    } while (next !== undefined)
    return parents
  }
}

interface ShardDescription {
  readonly ShardId?: string | undefined
  readonly ParentShardId?: string | undefined
  readonly AdjacentParentShardId?: string | undefined
}
