import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { decode } from '../decode.ts'
import type { RawEvent } from '../raw-event.ts'
import { MAX_INFLATED_BYTES, unpackRecord } from '../wire.ts'
import type { DecodedRecords } from './decoded-records.ts'
import {
  type BatchContext,
  DEFAULT_MAX_BYTES,
  type Decoder,
  type DecoderOptions,
  type EncodedRecord,
} from './decoder.ts'
import { EventLines, type ReceivedEvents } from './received-events.ts'
import { declaredSchema, type Judges } from './verdicts.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** The slow decoder behind the interface of the fast one: for contracts, and processes, without generated code. */
export class OracleDecoder implements Decoder {
  readonly #contract: Contract
  readonly #judges: Judges | undefined

  constructor(contract: Contract, { judges }: DecoderOptions = {}) {
    this.#contract = contract
    this.#judges = judges
  }

  decodeRecords(records: readonly EncodedRecord[], context: BatchContext): DecodedRecords {
    const maxBytes = context.maxBytes ?? DEFAULT_MAX_BYTES
    const events: RawEvent[] = []
    let bytes = 0
    let taken = 0
    for (const record of records) {
      const data =
        typeof record.data === 'string' ? Buffer.from(record.data, 'base64') : record.data
      const unpacked = unpackRecord({ ...record, data })
      for (const event of unpacked) bytes += costOf(event)
      if (taken > 0 && bytes > maxBytes) break
      for (const event of unpacked) events.push(event)
      taken++
    }
    return this.#decoded(events, taken, context)
  }

  decodeEvents(events: readonly RawEvent[], context: BatchContext): DecodedRecords {
    return this.#decoded(events, events.length, context)
  }

  #decoded(events: readonly RawEvent[], taken: number, context: BatchContext): DecodedRecords {
    const judges = this.#judges
    const isElsewhere = (event: RawEvent): boolean => {
      const declared = judges && event.kind === 'event' ? declaredSchema(event.text) : undefined
      return declared !== undefined && judges?.(declared) === false
    }
    const elsewhere = events.flatMap((event, line) => (isElsewhere(event) ? [line] : []))
    const others = new Set(elsewhere)
    const own = events.filter((_, line) => !others.has(line))
    const decoded = decode(this.#contract, own, context)
    const [id, source] = ['event_id', 'event_source'].map((name) => decoded.batch.columns.get(name))
    return {
      ...decoded,
      taken,
      elsewhere,
      events: linesOf(events),
      identities: { id: id as Utf8Column, source: source as Utf8Column },
    }
  }
}

function linesOf(events: readonly RawEvent[]): ReceivedEvents {
  const lines = new EventLines()
  lines.clear(events)
  lines.reserve(events.length)
  const texts = events.map((event) => (event.kind === 'event' ? event.text : ''))
  lines.bytes = Buffer.from(texts.join(''))
  let at = 0
  events.forEach((event, i) => {
    const end = at + Buffer.byteLength(texts[i]!)
    if (event.kind === 'stub') lines.addStub(i, at, event)
    else lines.add(i, event.index, at, end)
    at = end
  })
  return lines
}

function costOf(event: RawEvent): number {
  if (event.kind === 'event') return Buffer.byteLength(event.text)
  const isCostly = ['undecodable.tooLarge', 'undecodable.compression'].includes(event.reason)
  return isCostly ? MAX_INFLATED_BYTES : 0
}
