import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { RunColumn } from '#lib/domain/kernel/run-column.ts'
import type { DecodedBatch, RejectedEvent } from '../decode.ts'
import type { Engine } from './engine.ts'
import type { EventLines, ReceivedEvents } from './received-events.ts'
import type { RowPlaces } from './row-places.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** Why the event or the stub of a line was rejected; see `RejectedEvent`. Where it stood, and its text, are the line's. */
export interface Rejection {
  readonly line: number
  readonly reason: string
  readonly detail: string
  readonly contractVersion?: string
  readonly eventId: string | undefined
  readonly eventSource: string | undefined
}

/** The rejection of a line, from what was said about its event. */
export function rejectionOf(
  line: number,
  { reason, detail, contractVersion, eventId, eventSource }: RejectedEvent,
): Rejection {
  const judged = contractVersion === undefined ? {} : { contractVersion }
  return { line, reason, detail, ...judged, eventId, eventSource }
}

/**
 * What a batch of records holds, and the contract's verdict on each event: the same as `unpackRecord` and `decode`
 * give, without an object per accepted event. Everything but `rejected` and `unknownFields` lies in the decoder's
 * memory: it is valid until the decoder is used again.
 */
export interface DecodedRecords extends Omit<DecodedBatch, 'identities' | 'rejected'> {
  /** How many of the records given were taken: the first ones, at least one. */
  readonly taken: number
  /** Every event and stub received, for raw. */
  readonly events: ReceivedEvents
  /** In place order. */
  readonly rejected: readonly Rejection[]
  /** The line of each accepted row. */
  readonly lineOfRow: Int32Array
  /** Lines of events that another contract judges, in place order; they are neither accepted nor rejected here. */
  readonly elsewhere: readonly number[]
  /** The `dataschema` that each of those declares. */
  readonly declared: readonly string[]
  /** Per accepted row: what an identity is made of, as bytes. */
  readonly identities: { readonly source: Utf8Column; readonly id: Utf8Column }
}

/** Views of an engine's columns after its last row. */
export class EngineResult implements DecodedRecords {
  readonly taken: number
  readonly events: ReceivedEvents
  readonly lineOfRow: Int32Array
  readonly rejected: readonly Rejection[]
  readonly elsewhere: readonly number[]
  readonly declared: readonly string[]
  readonly unknownFields: ReadonlyMap<string, number>
  readonly batch: ColumnBatch
  readonly identities: { readonly source: Utf8Column; readonly id: Utf8Column }
  readonly eventTimes: BigInt64Array
  readonly arrivals: Float64Array
  readonly arrivalMinutes: Int32Array

  constructor(
    contract: Contract,
    engine: Engine,
    lines: EventLines,
    places: RowPlaces,
    done: {
      readonly shard: string
      readonly rows: number
      readonly taken: number
      readonly rejected: readonly Rejection[]
      readonly elsewhere: readonly number[]
      readonly declared: readonly string[]
      readonly unknownFields: ReadonlyMap<string, number>
    },
  ) {
    const { rows, shard } = done
    this.taken = done.taken
    this.events = lines
    this.lineOfRow = lines.lineOfRow.subarray(0, rows)
    this.rejected = done.rejected
    this.elsewhere = done.elsewhere
    this.declared = done.declared
    this.unknownFields = done.unknownFields
    this.identities = {
      source: engine.source.finish(rows) as Utf8Column,
      id: engine.id.finish(rows) as Utf8Column,
    }
    const { arrivals, minutes, times, indexes, rowsOfRecord } = places.of(lines, rows)
    this.arrivals = arrivals
    this.arrivalMinutes = minutes
    const columns = new Map<string, Column>([
      ['event_id', this.identities.id],
      ['event_source', this.identities.source],
      ['ingest_time', { kind: 'int64', values: times }],
      ['ingest_shard', new RunColumn([shard], Int32Array.of(rows))],
      ['ingest_sequence', new RunColumn(lines.sequences, rowsOfRecord)],
      ['ingest_index', { kind: 'int32', values: indexes }],
    ])
    contract.fields.forEach(({ name }, i) => {
      columns.set(name, engine.columns[i]!.finish(rows))
    })
    this.batch = { rows, columns }
    const eventTime = columns.get(contract.eventTime)
    this.eventTimes = eventTime?.kind === 'int64' ? eventTime.values : new BigInt64Array(0)
  }
}
