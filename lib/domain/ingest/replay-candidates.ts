import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import type { RejectedPlace } from '#lib/domain/privacy/rejected-place.ts'
import { partitionValueOf } from './change-row.ts'
import { decodeByVersion, placeAt } from './decode-by-version.ts'
import type { Journal, JournalEntry } from './journal.ts'
import { type ProducerEvent, partitionKeyText } from './producer-event.ts'
import { decodeQuarantine, type QuarantinedRow } from './quarantine-file.ts'

/** Which rejected events to look at: those that meet all that is stated. */
export interface QuarantineFilter {
  /** The reason with which it was rejected. */
  readonly reason?: string
  /** Arrival, UTC micros, half-open. */
  readonly sinceMicros?: number
  readonly untilMicros?: number
}

const OPENED_AT_ONCE = 16

/** A batch and its rejected events. */
export interface QuarantinedBatch {
  readonly entry: JournalEntry
  readonly all: readonly QuarantinedRow[]
  /** Those that meet the filter, at least one. */
  readonly rows: readonly QuarantinedRow[]
}

/** A rejected event that today's contract takes. */
export interface Replayable {
  readonly row: QuarantinedRow
  readonly event: ProducerEvent
}

/** What today's contract says of rejected events. */
export interface Revalidation {
  readonly replayable: readonly Replayable[]
  /** Of the others: how many for each reason that it gives today. */
  readonly left: ReadonlyMap<string, number>
}

/** `<sequence>/<index>`: names a row within its shard, whatever object holds it. */
export function placeOf({ sequence, index }: Pick<QuarantinedRow, 'sequence' | 'index'>): string {
  return `${sequence}/${index}`
}

/** Reads the text of a rejected event, which may be sealed. */
export type OpenText = (text: string, place: RejectedPlace) => Promise<string>

/** Batches with rejected events, by shard and in order. Of those whose object has expired nothing is left to see. */
export async function* quarantinedBatches(
  journal: Journal,
  objects: ObjectStore,
  filter: QuarantineFilter,
  open: OpenText = async (text) => text,
): AsyncGenerator<QuarantinedBatch> {
  const { reason, sinceMicros = -Infinity, untilMicros = Infinity } = filter
  for (const { shard } of await journal.shards()) {
    for await (const entry of entriesOf(journal, shard)) {
      const { quarantineUri, arrival } = entry
      if (quarantineUri === undefined) continue
      if (arrival.max < sinceMicros || arrival.min >= untilMicros) continue
      const bytes = await objectIfThere(objects, quarantineUri)
      if (bytes === undefined) continue
      const all = await decodeQuarantine(bytes)
      const rows = all.filter(
        (row) =>
          (reason === undefined || row.reason === reason) &&
          row.arrivalMicros >= sinceMicros &&
          row.arrivalMicros < untilMicros,
      )
      if (rows.length === 0) continue
      const { shard } = entry
      const readable = await inParallel(all, OPENED_AT_ONCE, async (row) =>
        row.text === undefined ? row : { ...row, text: await open(row.text, { shard, ...row }) },
      )
      yield { entry, all: readable, rows: readable.filter((_, i) => rows.includes(all[i]!)) }
    }
  }
}

/** Judges rejected events as if they arrived today, in place order. */
export function revalidate(
  contracts: ContractVersions,
  rows: readonly QuarantinedRow[],
): Revalidation {
  const left = new Map<string, number>()
  const leave = (reason: string) => left.set(reason, (left.get(reason) ?? 0) + 1)
  const readable = rows.filter(({ text, reason }) => {
    // What could not be taken apart is sealed away, and nobody knows what is in it: only its producer can send it again.
    if (text === undefined) leave(reason)
    return text !== undefined
  })
  const byPlace = new Map(readable.map((row) => [placeOf(row), row]))
  const events = readable.map(({ sequence, index, arrivalMicros, text }) => {
    return { kind: 'event' as const, sequence, index, arrivalMicros, text: text! }
  })
  const stored = contracts.inForce(contracts.current.version)
  // As they came: nothing of them is sealed here.
  const inForce = stored.received ?? stored
  const { parts, rejected } = decodeByVersion(inForce, events, { shard: '' })
  for (const { reason } of rejected) leave(reason)
  const replayable = parts.flatMap(({ contract, decoded }) =>
    decoded.identities.map(({ source, id }, i): Replayable => {
      const row = byPlace.get(placeOf(placeAt(decoded, i)))!
      const text = row.text!
      const { data } = JSON.parse(text) as { data: Readonly<Record<string, unknown>> }
      const partitionKey = partitionKeyText(partitionValueOf(contract, data))
      return { row, event: { source, id, text, partitionKey } }
    }),
  )
  return { replayable, left }
}

async function* entriesOf(journal: Journal, shard: string): AsyncGenerator<JournalEntry> {
  const pageSize = 500
  for (let from: JournalEntry['prev'] = START; ; ) {
    const page = await journal.entriesAfter(shard, from, pageSize)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return
    from = last.last
  }
}

async function objectIfThere(objects: ObjectStore, uri: string): Promise<Uint8Array | undefined> {
  try {
    return await objects.get(uri)
  } catch (error) {
    if (hasCode(error, 'objects.notFound')) return undefined
    throw error
  }
}
