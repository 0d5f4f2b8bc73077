import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type ProductLayout, quarantinePrefix, rawPrefix } from '#lib/domain/ingest/layout.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { shardInUri } from './check-chain.ts'

const PAGE = 500

/** All entries of a shard after a position, in position order. */
export async function* entriesAfter(
  journal: Journal,
  shard: string,
  position: Predecessor = START,
): AsyncGenerator<JournalEntry> {
  for (let from = position; ; ) {
    const page = await journal.entriesAfter(shard, from, PAGE)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return
    from = last.last
  }
}

/** As {@link entriesAfter}, from the first on, in memory. */
export async function allEntries(
  journal: Journal,
  shard: string,
): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = []
  for await (const entry of entriesAfter(journal, shard)) found.push(entry)
  return found
}

/** The raw objects of a product, by the shard in their name. */
export async function rawObjects(
  objects: Pick<ObjectStore, 'list'>,
  layout: ProductLayout,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const found = new Map<string, Set<string>>()
  for await (const { uri } of objects.list(rawPrefix(layout))) {
    const shard = shardInUri(uri) ?? uri
    found.set(shard, (found.get(shard) ?? new Set()).add(uri))
  }
  return found
}

/** The quarantine objects of a product. */
export async function quarantineObjects(
  objects: ObjectStore,
  layout: ProductLayout,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for await (const { uri } of objects.list(quarantinePrefix(layout))) found.add(uri)
  return found
}

/**
 * Quarantine objects that no entry names. An attempt of other code that died before its entry has left them, or one
 * whose entry is still to come: what they hold is in no count.
 */
export async function orphanedQuarantine(
  journal: Journal,
  objects: ObjectStore,
  layout: ProductLayout,
): Promise<readonly string[]> {
  // The objects before the entries: what is named while we look is no orphan.
  const orphans = new Set(await quarantineObjects(objects, layout))
  for (const { shard } of await journal.shards()) {
    if (orphans.size === 0) break
    for await (const { quarantineUri } of entriesAfter(journal, shard)) {
      if (quarantineUri !== undefined) orphans.delete(quarantineUri)
    }
  }
  return [...orphans]
}
