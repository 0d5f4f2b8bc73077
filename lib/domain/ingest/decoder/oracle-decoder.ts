import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { declaredSchema } from '../declared-schema.ts'
import { decode, type RejectedEvent } from '../decode.ts'
import type { RawEvent } from '../raw-event.ts'
import { RAW_LIMITS, weightOf } from '../raw-limits.ts'
import { unpackRecord } from '../wire.ts'
import { type DecodedRecords, type Rejection, rejectionOf } from './decoded-records.ts'
import type {
  BatchContext,
  Decoder,
  DecoderOptions,
  EncodedRecord,
  RecordsContext,
} from './decoder.ts'
import { bytesOf } from './load-record.ts'
import { EventLines, type ReceivedEvents } from './received-events.ts'
import type { Judges } from './verdicts.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** The slow decoder behind the interface of the fast one: for contracts, and processes, without generated code. */
export class OracleDecoder implements Decoder {
  readonly #contract: Contract
  readonly #judges: Judges | undefined

  constructor(contract: Contract, { judges }: DecoderOptions = {}) {
    this.#contract = contract
    this.#judges = judges
  }

  decodeRecords(records: readonly EncodedRecord[], context: RecordsContext): DecodedRecords {
    const { maxWeight, maxEvents } = context.limits ?? RAW_LIMITS
    const lines = new EventLines()
    lines.begin(records)
    const events: RawEvent[] = []
    let weight = 0
    let taken = 0
    for (const record of records) {
      const unpacked = unpackRecord({ ...record, data: bytesOf(record.data) })
      for (const event of unpacked) weight += weightOf(event)
      const isFull = weight > maxWeight || events.length + unpacked.length > maxEvents
      if (taken > 0 && isFull) break
      for (const event of unpacked) {
        lines.append(taken, event)
        events.push(event)
      }
      taken++
    }
    return this.#decoded(events, lines, taken, context)
  }

  decodeEvents(events: readonly RawEvent[], context: BatchContext): DecodedRecords {
    const lines = new EventLines()
    lines.begin(events)
    for (const [i, event] of events.entries()) lines.append(i, event)
    return this.#decoded(events, lines, events.length, context)
  }

  decodeLines(
    received: ReceivedEvents,
    lines: readonly number[],
    context: BatchContext,
  ): DecodedRecords {
    const own = new EventLines()
    own.beginLike(received)
    const events = lines.map((line) => received.at(line))
    for (const [i, event] of events.entries()) own.append(received.recordOf[lines[i]!]!, event)
    return this.#decoded(events, own, received.sequences.length, context)
  }

  #decoded(
    events: readonly RawEvent[],
    lines: EventLines,
    taken: number,
    context: BatchContext,
  ): DecodedRecords {
    const elsewhere: number[] = []
    const declared: string[] = []
    const own: number[] = []
    for (const [line, event] of events.entries()) {
      const schema = this.#judgedElsewhere(event)
      if (schema === undefined) {
        own.push(line)
      } else {
        elsewhere.push(line)
        declared.push(schema)
      }
    }
    const judged = own.map((line) => events[line]!)
    const decoded = decode(this.#contract, judged, context)
    const { lineOfRow, rejections } = judgedLines(own, judged, decoded.rejected)
    const [id, source] = ['event_id', 'event_source'].map((name) => decoded.batch.columns.get(name))
    return {
      ...decoded,
      taken,
      elsewhere,
      declared,
      events: lines,
      lineOfRow,
      rejected: rejections,
      identities: { id: id as Utf8Column, source: source as Utf8Column },
    }
  }

  #judgedElsewhere(event: RawEvent): string | undefined {
    if (this.#judges === undefined || event.kind === 'stub') return undefined
    const declared = declaredSchema(event.text)
    return declared === undefined || this.#judges(declared) ? undefined : declared
  }
}

/** Which lines were accepted, and why the others were not. The rejected come in the order of their lines. */
function judgedLines(
  lines: readonly number[],
  events: readonly RawEvent[],
  rejected: readonly RejectedEvent[],
): { readonly lineOfRow: Int32Array; readonly rejections: Rejection[] } {
  const rejections: Rejection[] = []
  const accepted = lines.filter((line, i) => {
    const { sequence, index } = events[i]!
    const next = rejected[rejections.length]
    if (next?.sequence !== sequence || next.index !== index) return true
    rejections.push(rejectionOf(line, next))
    return false
  })
  return { lineOfRow: Int32Array.from(accepted), rejections }
}
