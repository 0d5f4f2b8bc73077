import type { BatchCounts, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import { predecessorInUri } from './check-chain.ts'
import { type DueObjects, dueUpTo, entriesUpTo } from './due-objects.ts'

/** A shard as the journal and raw tell of it: what is counted up to the table's fence, and what lies past it. */
export interface CountedShard {
  readonly shard: string
  /** The table's fence. */
  readonly cut: Predecessor
  readonly upToCut: readonly JournalEntry[]
  readonly rawUris: ReadonlySet<string>
  /** Raw objects, and quarantine's, may have expired up to here. */
  readonly rawFloor: Predecessor
  readonly quarantineFloor: Predecessor
  readonly expired: { readonly raw: number; readonly quarantined: number }
  /** Events past the cut that are decided, or at least in raw. They outlive the stream's own retention. */
  readonly waiting: number
  /** The last position that the journal or raw knows. */
  readonly known: Predecessor
}

export interface ShardRecords {
  readonly shard: string
  readonly cut: Predecessor
  readonly entries: readonly JournalEntry[]
  readonly rawUris: ReadonlySet<string>
}

/** Reads at most one object: the raw one whose entry is still to come. */
export async function countedShard(
  objects: Pick<ObjectStore, 'get'>,
  due: DueObjects,
  { shard, cut, entries, rawUris }: ShardRecords,
): Promise<CountedShard> {
  const upToCut = entriesUpTo(entries, cut)
  const rawFloor = dueUpTo(upToCut, (entry) => due.isRawDue(entry.rawUri))
  const quarantineFloor = dueUpTo(
    upToCut,
    ({ quarantineUri: uri }) => uri !== undefined && due.isQuarantineDue(uri),
  )
  const head = entries.at(-1)?.last ?? START
  const next = [...rawUris].find((uri) => predecessorInUri(shard, uri) === head)
  const batch = next === undefined ? undefined : decodeRawBatch(next, await objects.get(next))
  const past = entries.filter((entry) => isAfter(entry.last, cut))
  return {
    shard,
    cut,
    upToCut,
    rawUris,
    rawFloor,
    quarantineFloor,
    expired: {
      raw: sumOf(entriesUpTo(upToCut, rawFloor)).received,
      quarantined: sumOf(entriesUpTo(upToCut, quarantineFloor)).rejected,
    },
    waiting: sumOf(past).received + (batch?.events.length ?? 0),
    known: batch === undefined ? (past.at(-1)?.last ?? cut) : batch.events.at(-1)!.sequence,
  }
}

/** What the entries decided, together. */
export function sumOf(entries: readonly JournalEntry[]): BatchCounts {
  const sum = (of: (counts: BatchCounts) => number) =>
    entries.reduce((total, { counts }) => total + of(counts), 0)
  return {
    received: sum((counts) => counts.received),
    admitted: sum((counts) => counts.admitted),
    duplicate: sum((counts) => counts.duplicate),
    rejected: sum((counts) => counts.rejected),
  }
}
