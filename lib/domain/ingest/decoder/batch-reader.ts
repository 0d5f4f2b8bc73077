import { createHash } from 'node:crypto'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { countName, decode, type RejectedEvent } from '../decode.ts'
import { MAX_EVENT_BYTES } from '../envelope.ts'
import type { RawEvent, Stub, UndecodableReason } from '../raw-event.ts'
import { unpackRecord } from '../wire.ts'
import type { ByteMemory } from './byte-memory.ts'
import { type DecodedRecords, EngineResult } from './decoded-records.ts'
import type { EncodedRecord } from './decoder.ts'
import { EventReader } from './event-reader.ts'
import type { FieldPlan } from './field-plan.ts'
import { EventLines, type RecordPlace } from './received-events.ts'
import type { Judges } from './verdicts.ts'

/** More events than this are no batch. */
const MAX_EVENTS = 10_000

const COMMA = 0x2c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN = 0x7b

/**
 * Reads the records of one batch, one after another, into an engine whose memory is used again for each batch.
 * A record counts as a whole: what was read of it is taken back when it turns out to be no JSON.
 */
export class BatchReader {
  readonly #contract: Contract
  readonly #reader: EventReader
  readonly #lines = new EventLines()
  #rows = 0
  #rejected: RejectedEvent[] = []
  /** Lines of events that another contract judges. */
  #elsewhere: number[] = []
  #unknownFields = new Map<string, number>()
  /** Of the record being read: they count once it is known to be whole. */
  #unknownNames: (readonly string[])[] = []

  constructor(
    contract: Contract,
    plans: readonly FieldPlan[],
    capacity: number,
    judges: Judges | undefined,
  ) {
    this.#contract = contract
    this.#reader = new EventReader(contract, plans, capacity, judges)
  }

  get memory(): ByteMemory {
    return this.#reader.engine.memory
  }

  begin(records: readonly RecordPlace[]): void {
    this.#rows = 0
    this.#rejected = []
    this.#elsewhere = []
    this.#unknownFields = new Map()
    this.#lines.clear(records)
    const { columns, id, source } = this.#reader.engine
    for (const column of [...columns, id, source]) column.clear()
  }

  /** Goes on with more memory, of which the first bytes are taken over. */
  grow(capacity: number, bytes: number): void {
    this.#reader.grow(capacity, bytes)
  }

  /** Tells where strings may be unescaped to: behind everything that was loaded. */
  beginGroup(arenaAt: number): void {
    this.memory.arenaAt = arenaAt
  }

  /** Takes over the strings of the rows read since the last group, while they are still in cache. */
  endGroup(): void {
    const { columns, id, source, memory } = this.#reader.engine
    for (const { storage, strings, starts, lengths } of [...columns, id, source]) {
      if (storage === 'utf8') strings.gather(memory, starts, lengths, this.#rows)
    }
  }

  /** A record that was loaded; `isClean` if it is known to be UTF-8. */
  readRecord(
    place: EncodedRecord,
    record: number,
    start: number,
    end: number,
    isClean: boolean,
  ): void {
    const { length } = this.#lines
    const rows = this.#rows
    const rejected = this.#rejected.length
    const elsewhere = this.#elsewhere.length
    const arena = this.memory.arenaAt
    this.#lines.reserve(MAX_EVENTS)
    if (!isClean || !this.#readEvents(place, record, start, end)) {
      this.#lines.length = length
      this.#rows = rows
      this.#rejected.length = rejected
      this.#elsewhere.length = elsewhere
      this.#unknownNames = []
      this.memory.arenaAt = arena
      this.#readSlowly(place, record, start)
    }
    this.#countNames()
  }

  /** A record that could not even be loaded. */
  addUndecodable(
    place: EncodedRecord,
    record: number,
    at: number,
    reason: UndecodableReason,
  ): void {
    const data = typeof place.data === 'string' ? Buffer.from(place.data, 'base64') : place.data
    const { sequence, arrivalMicros } = place
    this.#addStub(record, at, {
      kind: 'stub',
      sequence,
      index: 0,
      arrivalMicros,
      lengthBytes: data.byteLength,
      sha256: createHash('sha256').update(data).digest('hex'),
      reason,
    })
  }

  /** An event of its own, as raw has it: also one that is no JSON. */
  readAlone(event: RawEvent, record: number, start: number, end: number): void {
    if (event.kind === 'stub') {
      this.#addStub(record, start, event)
      return
    }
    this.#lines.reserve(1)
    const { memory, walk } = this.#reader.engine
    const { text, index } = event
    const arena = memory.arenaAt
    const isPlain = end - start <= MAX_EVENT_BYTES && text.isWellFormed()
    const after = isPlain ? this.#reader.read(walk.space(start), this.#rows) : -1
    if (after < 0 || walk.space(after) !== end) {
      memory.arenaAt = arena
      this.#reader.judge(text, this.#rows)
    }
    this.#finishEvent(event, record, index, start, end, text)
    this.#countNames()
  }

  finish(shard: string, taken: number): DecodedRecords {
    const { engine } = this.#reader
    this.#lines.bytes = engine.memory.bytes
    return new EngineResult(this.#contract, engine, this.#lines, {
      shard,
      rows: this.#rows,
      taken,
      rejected: this.#rejected,
      elsewhere: this.#elsewhere,
      unknownFields: this.#unknownFields,
    })
  }

  #readEvents(place: RecordPlace, record: number, start: number, end: number): boolean {
    const { memory, walk } = this.#reader.engine
    const { bytes } = memory
    let at = walk.space(start)
    if (bytes[at] === OPEN) {
      const after = this.#readEvent(place, record, 0, at)
      return after >= 0 && walk.space(after) === end
    }
    if (bytes[at] !== OPEN_LIST) return false
    at = walk.space(at + 1)
    for (let index = 0; index < MAX_EVENTS; index++) {
      const after = this.#readEvent(place, record, index, at)
      if (after < 0) return false
      at = walk.space(after)
      if (bytes[at] === CLOSE_LIST) return walk.space(at + 1) === end
      if (bytes[at] !== COMMA) return false
      at = walk.space(at + 1)
    }
    return false
  }

  #readEvent(place: RecordPlace, record: number, index: number, at: number): number {
    const after = this.#reader.read(at, this.#rows)
    if (after >= 0) this.#finishEvent(place, record, index, at, after, undefined)
    return after
  }

  #finishEvent(
    place: RecordPlace,
    record: number,
    index: number,
    start: number,
    end: number,
    text: string | undefined,
  ): void {
    const { outcome } = this.#reader
    if (outcome.isAccepted) {
      this.#lines.lineOfRow[this.#rows++] = this.#lines.length
    } else if (outcome.isElsewhere) {
      this.#elsewhere.push(this.#lines.length)
    } else {
      const { sequence, arrivalMicros } = place
      const { id, source, refusal } = outcome
      this.#rejected.push({
        sequence,
        index,
        arrivalMicros,
        reason: refusal!.reason,
        detail: refusal!.detail,
        ...(id === undefined ? {} : { eventId: id }),
        ...(source === undefined ? {} : { eventSource: source }),
        text: text ?? this.memory.text(start, end),
      })
    }
    this.#lines.add(record, index, start, end)
    if (outcome.unknownNames.length > 0) this.#unknownNames.push(outcome.unknownNames)
  }

  /** The record by the slow decoder alone. Its events are put back where it stood: they are no longer than it. */
  #readSlowly(record: EncodedRecord, position: number, start: number): void {
    const data = typeof record.data === 'string' ? Buffer.from(record.data, 'base64') : record.data
    let at = start
    for (const event of unpackRecord({ ...record, data })) {
      if (event.kind === 'stub') {
        this.#addStub(position, start, event)
        continue
      }
      const end = at + this.memory.bytes.write(event.text, at)
      this.#reader.judge(event.text, this.#rows)
      this.#finishEvent(event, position, event.index, at, end, event.text)
      at = end
    }
  }

  #countNames(): void {
    if (this.#unknownNames.length === 0) return
    for (const names of this.#unknownNames) {
      for (const name of names) countName(this.#unknownFields, name)
    }
    this.#unknownNames = []
  }

  #addStub(record: number, at: number, stub: Stub): void {
    this.#lines.addStub(record, at, stub)
    this.#rejected.push(...decode(this.#contract, [stub], { shard: '' }).rejected)
  }
}
