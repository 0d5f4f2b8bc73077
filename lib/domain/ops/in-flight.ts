import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { type Predecessor, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'
import type { StreamReader } from './stream-reader.ts'

/** Where one shard stands, from the stream's tip to the table. */
export interface ShardStanding {
  readonly shard: string
  /** The newest position in the journal. */
  readonly head: Predecessor
  /** The newest position in the table. */
  readonly fence: Predecessor
  /** Events in the stream past the journal's head. */
  readonly undecidedEvents: number
  /** Journal entries past the table's fence, and the events in them. */
  readonly uncommittedEntries: number
  readonly uncommittedEvents: number
}

/** Where every shard stands that the stream, the journal or the table knows. */
export async function shardStandings(
  stream: StreamReader,
  journal: Journal,
  fences: Fences,
): Promise<readonly ShardStanding[]> {
  const [held, registered] = await Promise.all([stream.shards(), journal.shards()])
  const shards = new Set([...held, ...registered.map((one) => one.shard), ...Object.keys(fences)])
  const heldSet = new Set(held)
  return Promise.all(
    [...shards].sort().map(async (shard): Promise<ShardStanding> => {
      const fence = fences[shard] ?? START
      const waiting = await entriesPast(journal, shard, fence)
      const head = waiting.at(-1)?.last ?? fence
      return {
        shard,
        head,
        fence,
        undecidedEvents: heldSet.has(shard) ? await eventsPast(stream, shard, head) : 0,
        uncommittedEntries: waiting.length,
        uncommittedEvents: waiting.reduce((sum, entry) => sum + entry.counts.received, 0),
      }
    }),
  )
}

/** Events that the table does not show yet, one way or the other. */
export function eventsInFlight(standings: readonly ShardStanding[]): number {
  return standings.reduce((sum, one) => sum + one.undecidedEvents + one.uncommittedEvents, 0)
}

async function entriesPast(
  journal: Journal,
  shard: string,
  fence: Predecessor,
): Promise<readonly JournalEntry[]> {
  const found: JournalEntry[] = []
  for (let from = fence; ; ) {
    const page = await journal.entriesAfter(shard, from, 500)
    found.push(...page)
    const last = page.at(-1)
    if (last === undefined || page.length < 500) return found
    from = last.last
  }
}

async function eventsPast(
  stream: StreamReader,
  shard: string,
  position: Predecessor,
): Promise<number> {
  let events = 0
  for await (const records of stream.pages(shard, position === START ? undefined : position)) {
    for (const record of records) events += unpackRecord(record).length
  }
  return events
}
