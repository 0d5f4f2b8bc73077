import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Backfill } from './backfill.ts'
import type { ChunkRecord } from './chunk-record.ts'
import type { RangeLocks } from './lock.ts'
import type { Units } from './plan.ts'

/** A document and how often it was replaced. */
export interface Stored<Document> {
  readonly document: Document
  readonly revision: number
}

/**
 * Where a product's backfills are written down: beside its slots, in the same cell. Every read is strongly consistent. A
 * document is replaced only at the revision that was read (undefined: is still absent); false: somebody else wrote, or this
 * very call did before.
 */
export interface BackfillStore {
  load(id: string): Promise<Stored<Backfill> | undefined>
  save(backfill: Backfill, revisionRead: number | undefined): Promise<boolean>
  /** All that there ever were, in no order. */
  list(): Promise<readonly Backfill[]>

  /**
   * The journal of a backfill's chunks: written if absent, or if the one that is there is from before `staleBeforeMs`;
   * answers what is there then.
   */
  recordChunk(id: string, record: ChunkRecord, staleBeforeMs: number): Promise<ChunkRecord>
  chunk(id: string, round: number, chunk: string): Promise<ChunkRecord | undefined>
  chunks(id: string): Promise<readonly ChunkRecord[]>

  /** Adds to what was billed for a backfill. */
  spend(id: string, units: Units): Promise<void>
  spent(id: string): Promise<Units>

  /** Who may write to which ranges of a table. */
  loadLocks(table: string): Promise<Stored<RangeLocks> | undefined>
  saveLocks(table: string, locks: RangeLocks, revisionRead: number | undefined): Promise<boolean>
}

const ATTEMPTS = 20

/** Throws `backfill.unknown`. */
export async function requireBackfill(store: BackfillStore, id: string): Promise<Backfill> {
  const stored = await store.load(id)
  if (stored !== undefined) return stored.document
  throw unknown(id)
}

/**
 * Changes a backfill in one conditional write, from what it says then. `change` is asked again after each lost race and
 * each repeat of its own success, so it answers what it was given once nothing is left to do.
 */
export async function changeBackfill(
  store: BackfillStore,
  id: string,
  change: (backfill: Backfill) => Backfill,
): Promise<Backfill> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await store.load(id)
    if (stored === undefined) throw unknown(id)
    const next = change(stored.document)
    if (next === stored.document) return next
    if (await store.save(next, stored.revision)) return next
  }
  throw new PlatformError(
    'backfill.contended',
    `somebody else changes backfill ${id} all the time: try again`,
    { retryable: true },
  )
}

function unknown(id: string): PlatformError {
  return new PlatformError(
    'backfill.unknown',
    `there is no backfill ${id}: \`weir backfill history\` lists those there are`,
  )
}
