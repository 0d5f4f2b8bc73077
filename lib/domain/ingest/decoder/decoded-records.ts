import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { minuteOf } from '#lib/domain/kernel/time.ts'
import type { DecodedBatch } from '../decode.ts'
import type { Engine } from './engine.ts'
import type { EventLines, ReceivedEvents } from './received-events.ts'
import { RunColumn } from './run-column.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** Why the event or the stub of a line was rejected; see `RejectedEvent`. Where it stood, and its text, are the line's. */
export interface Rejection {
  readonly line: number
  readonly reason: string
  readonly detail: string
  readonly contractVersion?: string
  readonly eventId?: string
  readonly eventSource?: string
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
      source: engine.source.strings.finish(rows),
      id: engine.id.strings.finish(rows),
    }
    const places = placesOf(lines, rows)
    this.arrivals = places.arrivals
    this.arrivalMinutes = places.minutes
    const columns = new Map<string, Column>([
      ['event_id', this.identities.id],
      ['event_source', this.identities.source],
      ['ingest_time', { kind: 'int64', values: places.times }],
      ['ingest_shard', new RunColumn([shard], Int32Array.of(rows))],
      ['ingest_sequence', new RunColumn(lines.sequences, places.rowsOfRecord)],
      ['ingest_index', { kind: 'int32', values: places.indexes }],
    ])
    contract.fields.forEach(({ name }, i) => {
      columns.set(name, engine.columns[i]!.finish(rows))
    })
    this.batch = { rows, columns }
    const eventTime = columns.get(contract.eventTime)
    this.eventTimes = eventTime?.kind === 'int64' ? eventTime.values : new BigInt64Array(0)
  }
}

/** Where each row came from. Its record says most of it, so that each record is looked at once. */
function placesOf(lines: EventLines, rows: number) {
  const { lineOfRow, recordOf, indexOf, sequences } = lines
  const arrivals = new Float64Array(rows)
  const minutes = new Int32Array(rows)
  const times = new BigInt64Array(rows)
  const halves = new Int32Array(times.buffer)
  const indexes = new Int32Array(rows)
  const rowsOfRecord = new Int32Array(sequences.length)
  for (let row = 0; row < rows; ) {
    let line = lineOfRow[row]!
    const record = recordOf[line]!
    const micros = lines.arrivals[record]!
    const minute = minuteOf(micros)
    const low = micros | 0
    const high = Math.floor(micros / 2 ** 32)
    const first = row
    while (row < rows && recordOf[line] === record) {
      arrivals[row] = micros
      minutes[row] = minute
      halves[2 * row] = low
      halves[2 * row + 1] = high
      indexes[row] = indexOf[line]!
      line = lineOfRow[++row]!
    }
    rowsOfRecord[record] = row - first
  }
  return { arrivals, minutes, times, indexes, rowsOfRecord }
}
