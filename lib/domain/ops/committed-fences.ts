import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { admittedOf, firstFence } from '#lib/domain/ingest/major-starts.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'

/** A table of a product and how far it is. */
export interface TableFences {
  /** The major of the contract whose rows it holds. */
  readonly major: number
  /** Empty before its first commit. */
  readonly fences: Fences
}

/**
 * How far a product's tables are together: up to these positions every row that was decided is in its table. With one
 * table these are its fences. Of several, one that has nothing to take leaves its fence behind, which holds up nothing.
 */
export async function committedFences(
  journal: Journal,
  tables: readonly TableFences[],
): Promise<Fences> {
  if (tables.length <= 1) return tables[0]?.fences ?? {}
  const common: Record<string, Predecessor> = {}
  for (const { shard } of await journal.shards()) {
    const head = await journal.head(shard)
    for (const table of tables) {
      const reached = await reachedBy(journal, shard, table, head)
      const so = common[shard]
      common[shard] = so === undefined || isBefore(reached, so) ? reached : so
    }
  }
  return common
}

const PAGE = 500

/** The table's fence, moved over the entries after it that have no row for the table. */
async function reachedBy(
  journal: Journal,
  shard: string,
  { fences, major }: TableFences,
  head: JournalEntry | undefined,
): Promise<Predecessor> {
  const isNew = Object.keys(fences).length === 0
  let reached = fences[shard] ?? (isNew ? firstFence(head, major) : START)
  for (;;) {
    const page = await journal.entriesAfter(shard, reached, PAGE)
    for (const entry of page) {
      if (admittedOf(entry, major) > 0) return reached
      reached = entry.last
    }
    if (page.length < PAGE) return reached
  }
}

function isBefore(a: Predecessor, b: Predecessor): boolean {
  if (b === START) return false
  return a === START || isAfter(b, a)
}
