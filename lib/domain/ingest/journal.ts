import type { Predecessor, SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { BatchDrift } from './drift.ts'
import type { MajorStarts } from './major-starts.ts'

/**
 * The journal is the outbox: the only hand-over from the archive to every consumer. Bells merely wake a
 * consumer, which reads the journal past its own fence. All reads are strongly consistent.
 */
export interface Journal {
  /** Creates the registration or answers the one that is there. Written before a shard's first entry. */
  register(registration: ShardRegistration): Promise<ShardRegistration>
  /** Every shard that was ever registered, in id order; some may never have had a record. */
  shards(): Promise<readonly ShardRegistration[]>
  registration(shard: string): Promise<ShardRegistration | undefined>
  /** The newest entry of a shard. */
  head(shard: string): Promise<JournalEntry | undefined>
  /** Creates the entry under (shard, last), or answers the one that is there: that one then decides. */
  append(entry: JournalEntry): Promise<JournalEntry>
  /** At most `limit` entries whose last position lies after the fence, in position order. */
  entriesAfter(shard: string, fence: Predecessor, limit: number): Promise<readonly JournalEntry[]>
  /** All entries, newest first. */
  newestFirst(shard: string): AsyncIterable<JournalEntry>
}

export interface ShardRegistration {
  readonly shard: string
  /** Parents by shard, for this shard and the closure of all its ancestors, also those without entries. */
  readonly lineage: Readonly<Record<string, readonly string[]>>
  /**
   * The `date=` partition of the shard's first raw object: the arrival date of the record at which the shard was
   * registered, its own first or another shard's.
   */
  readonly startDate: string
}

/** What became of one batch. Created once; whoever comes second adopts it, with its verdicts. */
export interface JournalEntry {
  readonly shard: string
  /** The position before `first`. A consumer applies an entry only if this is its fence. */
  readonly prev: Predecessor
  readonly first: SequenceNumber
  readonly last: SequenceNumber
  readonly contractVersion: string
  readonly rawUri: string
  /** Curated files with their metrics, and the identities that were admitted; absent if none were. */
  readonly verdictsUri?: string
  readonly quarantineUri?: string
  readonly counts: BatchCounts
  /** Arrival of records, UTC micros. `last` is that of the last record, which dates the next raw object. */
  readonly arrival: {
    readonly min: number
    readonly max: number
    readonly last: number
    /** Of this and all earlier positions of the shard: stamps of one shard are not monotone, this is. */
    readonly greatest: number
  }
  /** Event times of admitted rows, UTC micros; absent if there are none. */
  readonly eventTime?: { readonly min: number; readonly max: number }
  /**
   * Maximum event time of admitted rows at earlier positions in the shard and its ancestors, each capped at
   * its arrival + allowed skew (at a merge the smaller parent's); absent before the first.
   */
  readonly maxEventTimeBefore?: number
  /** The same, this batch included: the next entry's `maxEventTimeBefore`. */
  readonly maxEventTimeAfter?: number
  /** Absent while the shard has known one major of the contract only. */
  readonly majors?: MajorStarts
  /** `counts.admitted` by major; absent if one major only was in force, that of `contractVersion`. */
  readonly admittedByMajor?: Readonly<Record<string, number>>
  /** What was sent that no contract in force knows; absent if nothing was. */
  readonly drift?: BatchDrift
}

export interface BatchCounts {
  readonly received: number
  readonly admitted: number
  readonly duplicate: number
  readonly rejected: number
}

/** All ancestors of a shard in its lineage, nearest first, without the shard itself. */
export function ancestorsOf(registration: ShardRegistration): readonly string[] {
  const found: string[] = []
  const next = [...(registration.lineage[registration.shard] ?? [])]
  for (let shard = next.shift(); shard !== undefined; shard = next.shift()) {
    if (found.includes(shard)) continue
    found.push(shard)
    next.push(...(registration.lineage[shard] ?? []))
  }
  return found
}
