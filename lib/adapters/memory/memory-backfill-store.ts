import type { Backfill } from '#lib/domain/backfill/backfill.ts'
import type { BackfillStore, Stored } from '#lib/domain/backfill/backfill-store.ts'
import type { ChunkRecord } from '#lib/domain/backfill/chunk-record.ts'
import type { RangeLocks } from '#lib/domain/backfill/lock.ts'
import type { Units } from '#lib/domain/backfill/plan.ts'

/** Backfills in memory, held to the same contract tests as those in DynamoDB. */
export class MemoryBackfillStore implements BackfillStore {
  readonly #backfills = new Map<string, Stored<Backfill>>()
  readonly #chunks = new Map<string, Map<string, ChunkRecord>>()
  readonly #spent = new Map<string, Record<string, number>>()
  readonly #locks = new Map<string, Stored<RangeLocks>>()

  async load(id: string): Promise<Stored<Backfill> | undefined> {
    return structuredClone(this.#backfills.get(id))
  }

  async save(backfill: Backfill, revisionRead: number | undefined): Promise<boolean> {
    return replace(this.#backfills, backfill.id, backfill, revisionRead)
  }

  async list(): Promise<readonly Backfill[]> {
    return [...this.#backfills.values()].map(({ document }) => structuredClone(document))
  }

  async recordChunk(id: string, record: ChunkRecord, staleBeforeMs: number): Promise<ChunkRecord> {
    const chunks = this.#chunks.get(id) ?? new Map<string, ChunkRecord>()
    this.#chunks.set(id, chunks)
    const key = `${record.round}/${record.chunk}`
    const known = chunks.get(key)
    if (known === undefined || known.atMs < staleBeforeMs) chunks.set(key, structuredClone(record))
    return structuredClone(chunks.get(key)!)
  }

  async chunk(id: string, round: number, chunk: string): Promise<ChunkRecord | undefined> {
    return structuredClone(this.#chunks.get(id)?.get(`${round}/${chunk}`))
  }

  async chunks(id: string): Promise<readonly ChunkRecord[]> {
    return structuredClone([...(this.#chunks.get(id)?.values() ?? [])])
  }

  async spend(id: string, units: Units): Promise<void> {
    const spent = this.#spent.get(id) ?? {}
    for (const [meter, count] of Object.entries(units)) spent[meter] = (spent[meter] ?? 0) + count
    this.#spent.set(id, spent)
  }

  async spent(id: string): Promise<Units> {
    return { ...this.#spent.get(id) }
  }

  async loadLocks(table: string): Promise<Stored<RangeLocks> | undefined> {
    return structuredClone(this.#locks.get(table))
  }

  async saveLocks(
    table: string,
    locks: RangeLocks,
    revisionRead: number | undefined,
  ): Promise<boolean> {
    return replace(this.#locks, table, locks, revisionRead)
  }
}

function replace<Document>(
  documents: Map<string, Stored<Document>>,
  key: string,
  document: Document,
  revisionRead: number | undefined,
): boolean {
  if (documents.get(key)?.revision !== revisionRead) return false
  const revision = (revisionRead ?? 0) + 1
  documents.set(key, { document: structuredClone(document), revision })
  return true
}
