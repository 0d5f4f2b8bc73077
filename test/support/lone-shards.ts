import type { ShardLineage } from '#lib/domain/ingest/lineage.ts'

/** Lists a shard of any name, without parents. */
class AnyShard extends Map<string, readonly string[]> {
  override get(): readonly string[] {
    return []
  }
}

/** A stream that was never resharded, for tests to which its shards' names do not matter. */
export const LONE_SHARDS: ShardLineage = {
  parents: async () => new AnyShard(),
  isDrained: async () => true,
}
