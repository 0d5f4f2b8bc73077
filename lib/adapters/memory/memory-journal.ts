import type { Journal, JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import { isAfter, type Predecessor } from '#lib/domain/kernel/sequence-number.ts'

/** The journal in memory, held to the same contract tests as the one in DynamoDB. */
export class MemoryJournal implements Journal {
  readonly #registrations = new Map<string, string>()
  readonly #entries = new Map<string, Map<string, string>>()

  async register(registration: ShardRegistration): Promise<ShardRegistration> {
    const known = this.#registrations.get(registration.shard)
    if (known !== undefined) return JSON.parse(known)
    this.#registrations.set(registration.shard, JSON.stringify(registration))
    return registration
  }

  async shards(): Promise<readonly ShardRegistration[]> {
    const sorted = [...this.#registrations].sort(([a], [b]) => (a < b ? -1 : 1))
    return sorted.map(([, body]) => JSON.parse(body))
  }

  async registration(shard: string): Promise<ShardRegistration | undefined> {
    const body = this.#registrations.get(shard)
    return body === undefined ? undefined : JSON.parse(body)
  }

  async head(shard: string): Promise<JournalEntry | undefined> {
    return this.#sorted(shard).at(-1)
  }

  async append(entry: JournalEntry): Promise<JournalEntry> {
    const entries = this.#entries.get(entry.shard) ?? new Map<string, string>()
    this.#entries.set(entry.shard, entries)
    const known = entries.get(entry.last)
    if (known !== undefined) return JSON.parse(known)
    entries.set(entry.last, JSON.stringify(entry))
    return entry
  }

  async entriesAfter(shard: string, fence: Predecessor, limit: number) {
    return this.#sorted(shard)
      .filter((entry) => isAfter(entry.last, fence))
      .slice(0, limit)
  }

  async *newestFirst(shard: string): AsyncIterable<JournalEntry> {
    yield* this.#sorted(shard).reverse()
  }

  #sorted(shard: string): JournalEntry[] {
    const entries = [...(this.#entries.get(shard) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    return entries.map(([, body]) => JSON.parse(body))
  }
}
