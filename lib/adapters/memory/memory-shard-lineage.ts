import type { ParentsByShard, ShardLineage } from '#lib/domain/ingest/lineage.ts'
import {
  isAfter,
  type Predecessor,
  type SequenceNumber,
} from '#lib/domain/kernel/sequence-number.ts'

/** The shards of a stream in this process's memory, as they are told. */
export class MemoryShardLineage implements ShardLineage {
  /** What the stream lists: the parents of each shard. */
  readonly listed: Map<string, readonly string[]>
  /** Shards that still take records. */
  readonly open = new Set<string>()
  /** The last record of a shard that has any. */
  readonly tips = new Map<string, SequenceNumber>()

  constructor(listed: Iterable<readonly [string, readonly string[]]> = []) {
    this.listed = new Map(listed)
  }

  async parents(): Promise<ParentsByShard> {
    return this.listed
  }

  async isDrained(shard: string, after: Predecessor): Promise<boolean> {
    const tip = this.tips.get(shard)
    return !this.open.has(shard) && (tip === undefined || !isAfter(tip, after))
  }
}
