import type { Contract } from '#lib/domain/contract/contract.ts'
import { SYSTEM_COLUMNS, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { minuteOf } from '#lib/domain/kernel/time.ts'
import { columnOf } from './build-column.ts'
import { changeReader } from './change-row.ts'
import { readEnvelope } from './envelope.ts'
import type { Place, RawEvent, Stub } from './raw-event.ts'
import { type RowReader, rowReader } from './read-row.ts'

/** Every received event ends here once: as a row of `batch` or in `rejected`. */
export interface DecodedBatch {
  /** Accepted rows in place order; columns in table order, Weir's own first. */
  readonly batch: ColumnBatch
  /** Per accepted row, in the order of `batch`. */
  readonly identities: readonly EventIdentity[]
  /** UTC micros of arrival, per accepted row. */
  readonly arrivals: Float64Array
  /** Arrival in whole minutes since the epoch, per accepted row. */
  readonly arrivalMinutes: Int32Array
  /** UTC micros of the contract's event time, per accepted row. */
  readonly eventTimes: BigInt64Array
  /** In place order. */
  readonly rejected: readonly RejectedEvent[]
  /** Data fields that the contract does not know, by name, with the number of events that had them. */
  readonly unknownFields: ReadonlyMap<string, number>
}

export interface EventIdentity {
  readonly source: string
  readonly id: string
}

export interface RejectedEvent extends Place {
  /** `<field>.<what>`, `event.<what>`, `rule:<name>` or `undecodable.<what>`. */
  readonly reason: string
  /** The version that judged it, where that is not the one that raw names. */
  readonly contractVersion?: string
  /** For people: what was expected and what came. Never quotes a personal field. */
  readonly detail: string
  /** Where the envelope could be read that far. */
  readonly eventId?: string
  readonly eventSource?: string
  /** The event exactly as it came; absent for a record that could not be read. */
  readonly text?: string
  readonly stub?: { readonly lengthBytes: number; readonly sha256: string }
}

export interface DecodeContext {
  readonly shard: string
}

/** Names that no contract knows are counted up to this many; the rest together, as {@link OTHER_FIELDS}. */
export const MAX_UNKNOWN_FIELDS = 100
export const OTHER_FIELDS = '…'

interface AcceptedRow extends EventIdentity {
  readonly place: Place
  readonly values: readonly (Value | null)[]
}

/**
 * The verdict of the contract on each event, and the accepted ones as columns. Slow but exact: it is the oracle
 * of every faster decoder. Never throws, whatever the text; the first fault in document order decides.
 */
export function decode(
  contract: Contract,
  events: readonly RawEvent[],
  context: DecodeContext,
): DecodedBatch {
  const reader = readerOf(contract)
  const rows: AcceptedRow[] = []
  const rejected: RejectedEvent[] = []
  const unknownFields = new Map<string, number>()
  for (const event of events) {
    const outcome = judgeEvent(event, contract, reader, unknownFields)
    if ('reason' in outcome) rejected.push(outcome)
    else rows.push(outcome)
  }
  const eventTimeAt = contract.fields.findIndex((field) => field.name === contract.eventTime)
  return {
    batch: batchOf(contract, rows, context),
    identities: rows.map(({ source, id }) => ({ source, id })),
    arrivals: Float64Array.from(rows, (row) => row.place.arrivalMicros),
    arrivalMinutes: Int32Array.from(rows, (row) => minuteOf(row.place.arrivalMicros)),
    eventTimes: BigInt64Array.from(rows, (row) => row.values[eventTimeAt] as bigint),
    rejected,
    unknownFields,
  }
}

function judgeEvent(
  event: RawEvent,
  contract: Contract,
  reader: RowReader,
  unknownFields: Map<string, number>,
): AcceptedRow | RejectedEvent {
  if (event.kind === 'stub') return rejectedStub(event)
  const { sequence, index, arrivalMicros, text } = event
  const place = { sequence, index, arrivalMicros }
  const envelope = readEnvelope(text, contract.eventType)
  const { source, id } = envelope
  const known = {
    ...(id === undefined ? {} : { eventId: id }),
    ...(source === undefined ? {} : { eventSource: source }),
    text,
  }
  if (!envelope.ok) {
    return { ...place, reason: envelope.reason, detail: envelope.detail, ...known }
  }
  for (const name of reader.unknownNames(envelope.data)) countName(unknownFields, name)
  const row = reader.read(envelope.data)
  if (!row.ok) return { ...place, reason: row.reason, detail: row.detail, ...known }
  return { place, source: envelope.source, id: envelope.id, values: row.values }
}

const UNDECODABLE = 'the record could not be taken apart into events'

/** A record that nobody can read is rejected as a whole; an event that was rejected and sealed, as it was then. */
export function rejectedStub(stub: Stub): RejectedEvent {
  const { sequence, index, arrivalMicros, lengthBytes, sha256, reason, rejected } = stub
  const { sealed: _, ...verdict } = rejected ?? { detail: UNDECODABLE }
  return { sequence, index, arrivalMicros, reason, ...verdict, stub: { lengthBytes, sha256 } }
}

/** Counts a name that somebody else chose, so of which there may be any number. */
export function countName(counts: Map<string, number>, name: string, by = 1): void {
  const key = counts.has(name) || counts.size < MAX_UNKNOWN_FIELDS ? name : OTHER_FIELDS
  counts.set(key, (counts.get(key) ?? 0) + by)
}

function batchOf(
  contract: Contract,
  rows: readonly AcceptedRow[],
  context: DecodeContext,
): ColumnBatch {
  const system: Readonly<Record<string, (row: AcceptedRow) => Value>> = {
    event_id: (row) => row.id,
    event_source: (row) => row.source,
    ingest_time: (row) => BigInt(row.place.arrivalMicros),
    ingest_shard: () => context.shard,
    ingest_sequence: (row) => row.place.sequence,
    ingest_index: (row) => row.place.index,
  }
  const columns = new Map<string, Column>()
  tableSchemaOf(contract).fields.forEach(({ name, type }, position) => {
    const field = position - SYSTEM_COLUMNS.length
    const value = field < 0 ? system[name]! : (row: AcceptedRow) => row.values[field] ?? null
    columns.set(name, columnOf(type, rows.map(value)))
  })
  return { rows: rows.length, columns }
}

const readers = new WeakMap<Contract, RowReader>()

/** Built once per contract: patterns, bounds and zones are prepared in it. */
function readerOf(contract: Contract): RowReader {
  const known = readers.get(contract)
  if (known !== undefined) return known
  const { changes } = contract
  const reader =
    changes === undefined ? rowReader(contract) : changeReader({ ...contract, changes })
  readers.set(contract, reader)
  return reader
}
