import { createHash } from 'node:crypto'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { countName, rejectedStub } from '../decode.ts'
import { MAX_EVENT_BYTES } from '../envelope.ts'
import type { Stub, UndecodableReason } from '../raw-event.ts'
import { unpackRecord } from '../wire.ts'
import type { ByteMemory } from './byte-memory.ts'
import {
  type DecodedRecords,
  EngineResult,
  type Rejection,
  rejectionOf,
} from './decoded-records.ts'
import type { EncodedRecord } from './decoder.ts'
import { EventReader } from './event-reader.ts'
import type { FieldPlan } from './field-plan.ts'
import { bytesOf } from './load-record.ts'
import { EventLines, type ReceivedEvents, type RecordPlace } from './received-events.ts'
import { RowPlaces } from './row-places.ts'
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
  readonly lines = new EventLines()
  readonly #places = new RowPlaces()
  #rows = 0
  #firstOfGroup = 0
  /** Where everything stood before the record that is being read. */
  readonly #marked = { lines: 0, rows: 0, rejected: 0, elsewhere: 0 }
  #rejected: Rejection[] = []
  /** Lines of events that another contract judges, and what they declare. */
  #elsewhere: number[] = []
  #declared: string[] = []
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
    this.lines.begin(records)
    this.#clear()
  }

  /** For events that another decoder received. */
  beginLike(received: ReceivedEvents): void {
    this.lines.beginLike(received)
    this.#clear()
  }

  /** Goes on with more memory, of which the first bytes are taken over. */
  grow(capacity: number, bytes: number): void {
    this.#reader.grow(capacity, bytes, this.#rows)
    this.lines.bytes = this.memory.bytes
  }

  /** Tells where a string may be unescaped to: behind everything that was loaded. */
  beginGroup(freeAt: number): void {
    this.memory.unescapedAt = freeAt
    this.#firstOfGroup = this.lines.length
  }

  /**
   * Of what was loaded since the last group only the texts of its lines are needed: where they are little of it, they
   * move together. The place behind them.
   */
  endGroup(start: number, end: number): number {
    let used = 0
    for (let line = this.#firstOfGroup; line < this.lines.length; line++) {
      used += this.lines.ends[line]! - this.lines.starts[line]!
    }
    return 2 * used < end - start ? this.lines.moveTogether(this.#firstOfGroup, start) : end
  }

  /** A record that was loaded; `isClean` if it is known to be UTF-8. It counts once it is kept. */
  readRecord(
    { data }: EncodedRecord,
    record: number,
    start: number,
    end: number,
    isClean: boolean,
  ): void {
    this.#mark()
    this.lines.reserve(MAX_EVENTS)
    if (!isClean || !this.#readEvents(start, end)) {
      this.takeBack()
      this.#readSlowly(data, record, start)
    }
    this.lines.place(this.#marked.lines, record)
  }

  /** A record that could not even be loaded. */
  addUndecodable(
    { data }: EncodedRecord,
    record: number,
    at: number,
    reason: UndecodableReason,
  ): void {
    const bytes = bytesOf(data)
    this.addStub(record, at, {
      kind: 'stub',
      sequence: this.lines.sequences[record]!,
      index: 0,
      arrivalMicros: this.lines.arrivals[record]!,
      lengthBytes: bytes.byteLength,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      reason,
    })
  }

  /** An event of its own, as raw has it: also one that is no JSON. `text` where it is known. */
  readAlone(record: number, index: number, start: number, end: number, text?: string): void {
    this.#mark()
    this.lines.reserve(1)
    const { memory, walk } = this.#reader.engine
    const isPlain = end - start <= MAX_EVENT_BYTES && (text === undefined || text.isWellFormed())
    const after = isPlain ? this.#reader.read(walk.space(start), this.#rows) : -1
    if (after < 0 || walk.space(after) !== end) {
      this.#reader.judge(text ?? memory.text(start, end), this.#rows)
    }
    this.#finishEvent(start, end)
    this.lines.place(this.#marked.lines, record, index)
    this.keep()
  }

  /** A stub, as raw has it. */
  addStub(record: number, at: number, stub: Stub): void {
    this.#mark()
    this.#finishStub(at, stub)
    this.lines.place(this.#marked.lines, record, stub.index)
  }

  /** The record that was read last belongs to the batch. */
  keep(): void {
    if (this.#unknownNames.length === 0) return
    for (const names of this.#unknownNames) {
      for (const name of names) countName(this.#unknownFields, name)
    }
    this.#unknownNames = []
  }

  /** As if the record that was read last had not come. */
  takeBack(): void {
    const { lines, rows, rejected, elsewhere } = this.#marked
    this.lines.cutTo(lines)
    this.#rows = rows
    this.#rejected.length = rejected
    this.#elsewhere.length = elsewhere
    this.#declared.length = elsewhere
    this.#unknownNames = []
  }

  finish(shard: string, taken: number): DecodedRecords {
    const { engine } = this.#reader
    return new EngineResult(this.#contract, engine, this.lines, this.#places, {
      shard,
      rows: this.#rows,
      taken,
      rejected: this.#rejected,
      elsewhere: this.#elsewhere,
      declared: this.#declared,
      unknownFields: this.#unknownFields,
    })
  }

  #clear(): void {
    this.#rows = 0
    this.#rejected = []
    this.#elsewhere = []
    this.#declared = []
    this.#unknownFields = new Map()
    this.#unknownNames = []
    this.lines.bytes = this.memory.bytes
    const { columns, id, source } = this.#reader.engine
    for (const column of [...columns, id, source]) column.clear()
  }

  #mark(): void {
    const marked = this.#marked
    marked.lines = this.lines.length
    marked.rows = this.#rows
    marked.rejected = this.#rejected.length
    marked.elsewhere = this.#elsewhere.length
  }

  #readEvents(start: number, end: number): boolean {
    const { memory, walk } = this.#reader.engine
    const { bytes } = memory
    let at = walk.space(start)
    if (bytes[at] === OPEN) {
      const after = this.#readEvent(at)
      return after >= 0 && walk.space(after) === end
    }
    if (bytes[at] !== OPEN_LIST) return false
    at = walk.space(at + 1)
    for (let index = 0; index < MAX_EVENTS; index++) {
      const after = this.#readEvent(at)
      if (after < 0) return false
      at = walk.space(after)
      if (bytes[at] === CLOSE_LIST) return walk.space(at + 1) === end
      if (bytes[at] !== COMMA) return false
      at = walk.space(at + 1)
    }
    return false
  }

  #readEvent(at: number): number {
    const reader = this.#reader
    const row = this.#rows
    const end = reader.readLikeLast(at, row)
    if (end < 0) return this.#readOther(at)
    const { lines } = this
    lines.lineOfRow[row] = lines.length
    this.#rows = row + 1
    lines.add(at, end)
    if (reader.unknownNames.length > 0) this.#unknownNames.push(reader.unknownNames)
    return end
  }

  /** An event that is not as the last one was. */
  #readOther(at: number): number {
    const end = this.#reader.read(at, this.#rows)
    if (end >= 0) this.#finishEvent(at, end)
    return end
  }

  #finishEvent(start: number, end: number): void {
    const { outcome } = this.#reader
    if (outcome.isAccepted) {
      this.lines.lineOfRow[this.#rows++] = this.lines.length
    } else if (outcome.isElsewhere) {
      this.#elsewhere.push(this.lines.length)
      this.#declared.push(outcome.declared!)
    } else {
      const { id, source, refusal } = outcome
      const { reason, detail } = refusal!
      const line = this.lines.length
      this.#rejected.push({ line, reason, detail, eventId: id, eventSource: source })
    }
    this.lines.add(start, end)
    if (outcome.unknownNames.length > 0) this.#unknownNames.push(outcome.unknownNames)
  }

  #finishStub(at: number, stub: Stub): void {
    this.#rejected.push(rejectionOf(this.lines.length, rejectedStub(stub)))
    this.lines.addStub(at, stub)
  }

  /** The record by the slow decoder alone. Its events are put back where it stood: they are no longer than it. */
  #readSlowly(data: EncodedRecord['data'], record: number, start: number): void {
    let at = start
    const place = {
      sequence: this.lines.sequences[record]!,
      arrivalMicros: this.lines.arrivals[record]!,
    }
    for (const event of unpackRecord({ ...place, data: bytesOf(data) })) {
      if (event.kind === 'stub') {
        this.#finishStub(start, event)
        continue
      }
      const end = at + this.memory.bytes.write(event.text, at)
      this.#reader.judge(event.text, this.#rows)
      this.#finishEvent(at, end)
      at = end
    }
  }
}
