import { type BatchDrift, sumDrift } from '#lib/domain/ingest/drift.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'

/** What producers sent lately that no contract knew. */
export interface RecentDrift extends BatchDrift {
  /** How many batches were looked at. */
  readonly batches: number
}

/** Of each shard: what one page of the journal holds, more or less. */
const BATCHES_PER_SHARD = 200

/** Drift of the newest batches of every shard, most frequent names first. */
export async function recentDrift(
  journal: Journal,
  batchesPerShard = BATCHES_PER_SHARD,
): Promise<RecentDrift> {
  const entries: JournalEntry[] = []
  for (const { shard } of await journal.shards()) {
    let batches = 0
    for await (const entry of journal.newestFirst(shard)) {
      if (batches++ === batchesPerShard) break
      entries.push(entry)
    }
  }
  return { batches: entries.length, ...sumDrift(entries.map((entry) => entry.drift)) }
}

/** `tip (12), toll (3)` for people; undefined if there is nothing to name. */
export function namedCounts(
  counts: Readonly<Record<string, number>> | undefined,
): string | undefined {
  if (counts === undefined) return undefined
  return Object.entries(counts)
    .map(([name, count]) => `${name} (${count})`)
    .join(', ')
}
