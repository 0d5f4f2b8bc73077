import type { Journal } from '#lib/domain/ingest/journal.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'
import type { LakeTable } from './lake-tables.ts'

/** What the journal holds past fences: what comes into the table again once nothing holds it up. */
export interface PastFences {
  readonly entries: number
  /** Rows of the table that these batches admitted. */
  readonly rows: number
  readonly shards: number
}

const PAGE = 500

/** Counts what the journal has past these fences for a table. */
export async function pastFences(
  journal: Pick<Journal, 'shards' | 'entriesAfter'>,
  fences: Fences,
  { major }: Pick<LakeTable, 'major'>,
): Promise<PastFences> {
  const found = { entries: 0, rows: 0, shards: 0 }
  for (const { shard } of await journal.shards()) {
    let fence = fences[shard] ?? START
    let isFirst = true
    for (;;) {
      const page = await journal.entriesAfter(shard, fence, PAGE)
      if (page.length > 0 && isFirst) found.shards++
      isFirst = false
      found.entries += page.length
      found.rows += page.reduce((sum, entry) => sum + admittedOf(entry, major), 0)
      if (page.length < PAGE) break
      fence = page.at(-1)!.last
    }
  }
  return found
}
