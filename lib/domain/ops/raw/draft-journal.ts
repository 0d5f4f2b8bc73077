import type { Journal, JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import { isAfter } from '#lib/domain/kernel/sequence-number.ts'

/** A journal with what would be added to it: reads as if it were there, and adds nothing. */
export function draftOf(journal: Journal): Journal {
  const registered = new Map<string, ShardRegistration>()
  const added = new Map<string, JournalEntry[]>()
  const draftsOf = (shard: string) => added.get(shard) ?? []
  return {
    async register(registration) {
      const known =
        (await journal.registration(registration.shard)) ?? registered.get(registration.shard)
      if (known !== undefined) return known
      registered.set(registration.shard, registration)
      return registration
    },
    async shards() {
      const all = [...(await journal.shards()), ...registered.values()]
      return all.sort((a, b) => (a.shard < b.shard ? -1 : 1))
    },
    registration: async (shard) => (await journal.registration(shard)) ?? registered.get(shard),
    async head(shard) {
      const [there, draft] = [await journal.head(shard), draftsOf(shard).at(-1)]
      if (there === undefined || draft === undefined) return there ?? draft
      return isAfter(draft.last, there.last) ? draft : there
    },
    async append(entry) {
      added.set(entry.shard, merged([entry], draftsOf(entry.shard)))
      return entry
    },
    async entriesAfter(shard, fence, limit) {
      const drafts = draftsOf(shard).filter((entry) => isAfter(entry.last, fence))
      return merged(await journal.entriesAfter(shard, fence, limit), drafts).slice(0, limit)
    },
    async *newestFirst(shard) {
      const drafts = [...draftsOf(shard)].reverse()
      for await (const entry of journal.newestFirst(shard)) {
        while (drafts[0] !== undefined && isAfter(drafts[0].last, entry.last)) yield drafts.shift()!
        yield entry
      }
      yield* drafts
    },
  }
}

/** In position order. */
function merged(a: readonly JournalEntry[], b: readonly JournalEntry[]): JournalEntry[] {
  return [...a, ...b].sort((left, right) => (left.last < right.last ? -1 : 1))
}
