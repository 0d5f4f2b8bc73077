import { isUtf8 } from 'node:buffer'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { RawEvent, UndecodableReason } from '../raw-event.ts'
import { MAX_INFLATED_BYTES } from '../wire.ts'
import { BatchReader } from './batch-reader.ts'
import { GUARD_BYTES } from './byte-memory.ts'
import type { DecodedRecords } from './decoded-records.ts'
import {
  type BatchContext,
  DEFAULT_MAX_BYTES,
  type Decoder,
  type DecoderOptions,
  type EncodedRecord,
} from './decoder.ts'
import type { FieldPlan } from './field-plan.ts'
import { NEEDS_ROOM, RecordLoader, UNDECODABLE } from './load-record.ts'
import type { RecordPlace } from './received-events.ts'

/** Records are read in groups of about this size, so that they are still in cache when they are read again. */
const GROUP_BYTES = 256 * 1024
const LEAST_CAPACITY = 1 << 20
const SLACK_BYTES = 64
/** Places are 32-bit numbers. */
const MOST_BYTES = 1 << 30
/** UTF-8 takes up to three bytes for a code unit of a string. */
const MAX_BYTES_PER_UNIT = 3
/** As dear as the largest record, whatever little they hold: they inflated up to the cap before they were refused. */
const COSTLY: ReadonlySet<UndecodableReason> = new Set([
  'undecodable.tooLarge',
  'undecodable.compression',
])

/** A decoder whose code was generated for its contract. */
export class GeneratedDecoder implements Decoder {
  readonly #reader: BatchReader
  readonly #loader = new RecordLoader()
  /** Of each record of the batch: where it was loaded, or why it could not be. */
  #starts = new Int32Array(16)
  #ends = new Int32Array(16)
  #reasons = new Map<number, UndecodableReason>()
  /** The next free place. */
  #at = 0
  #bytes = 0

  /** Throws `EvalError` where the process does not allow code from strings. */
  constructor(contract: Contract, plans: readonly FieldPlan[], options: DecoderOptions) {
    this.#reader = new BatchReader(
      contract,
      plans,
      capacityFor(options.expectedBytes ?? 0),
      options.judges,
    )
  }

  decodeRecords(records: readonly EncodedRecord[], context: BatchContext): DecodedRecords {
    this.#begin(records)
    const maxBytes = Math.min(context.maxBytes ?? DEFAULT_MAX_BYTES, MOST_BYTES)
    this.#reserve(Math.min(leastBytes(records), maxBytes))
    let taken = 0
    while (taken < records.length) {
      const first = taken
      const groupAt = this.#at
      taken = this.#loadGroup(records, first, maxBytes)
      this.#reader.beginGroup(this.#at)
      const isClean = isUtf8(this.#reader.memory.bytes.subarray(groupAt, this.#at))
      for (let i = first; i < taken; i++) this.#readRecord(records, i, isClean)
      this.#reader.endGroup()
      if (this.#bytes > maxBytes) break
    }
    return this.#reader.finish(context.shard, taken)
  }

  decodeEvents(events: readonly RawEvent[], context: BatchContext): DecodedRecords {
    this.#begin(events)
    let next = 0
    while (next < events.length) {
      const first = next
      next = this.#loadEvents(events, first)
      this.#reader.beginGroup(this.#at)
      for (let i = first; i < next; i++) {
        this.#reader.readAlone(events[i]!, i, this.#starts[i]!, this.#ends[i]!)
      }
      this.#reader.endGroup()
    }
    return this.#reader.finish(context.shard, next)
  }

  #begin(records: readonly RecordPlace[]): void {
    this.#at = 0
    this.#bytes = 0
    this.#reasons = new Map()
    if (records.length > this.#starts.length) {
      this.#starts = new Int32Array(2 * records.length)
      this.#ends = new Int32Array(2 * records.length)
    }
    this.#reader.begin(records)
  }

  /** Loads records from `first` on until a group is full; returns the first record that is not in it. */
  #loadGroup(records: readonly EncodedRecord[], first: number, maxBytes: number): number {
    const groupAt = this.#at
    let next = first
    while (next < records.length && this.#at - groupAt < GROUP_BYTES) {
      const { memory } = this.#reader
      const loader = this.#loader
      const length = loader.load(memory, this.#at, this.#room(groupAt), records[next]!.data)
      if (length === NEEDS_ROOM) {
        if (next > first) return next
        this.#grow(loader.neededBytes)
        continue
      }
      const isUndecodable = length === UNDECODABLE
      this.#bytes += isUndecodable ? costOf(loader.reason) : length
      if (next > 0 && this.#bytes > maxBytes) return next
      if (isUndecodable) this.#reasons.set(next, loader.reason)
      this.#place(next++, isUndecodable ? 0 : length)
    }
    return next
  }

  #loadEvents(events: readonly RawEvent[], first: number): number {
    const groupAt = this.#at
    let next = first
    while (next < events.length && this.#at - groupAt < GROUP_BYTES) {
      const event = events[next]!
      const text = event.kind === 'event' ? event.text : ''
      if (text.length * MAX_BYTES_PER_UNIT > this.#room(groupAt)) {
        if (next > first) return next
        this.#grow(text.length * MAX_BYTES_PER_UNIT)
      }
      const { memory } = this.#reader
      const length = memory.bytes.write(text, this.#at)
      memory.guard(this.#at + length)
      this.#place(next++, length)
    }
    return next
  }

  #place(record: number, length: number): void {
    this.#starts[record] = this.#at
    this.#ends[record] = this.#at + length
    this.#at += length + GUARD_BYTES
  }

  /** What may be loaded next: behind the group as much again must be free, for strings that are unescaped. */
  #room(groupAt: number): number {
    const used = this.#at + (this.#at - groupAt) + SLACK_BYTES
    return Math.max(0, (this.#reader.memory.capacity - used) >> 1)
  }

  /** Makes room for what is known to come, in one step. */
  #reserve(bytes: number): void {
    if (bytes + 2 * GROUP_BYTES > this.#reader.memory.capacity) this.#grow(bytes)
  }

  #grow(bytes: number): void {
    const { capacity } = this.#reader.memory
    const wanted = Math.max(2 * capacity, capacityFor(this.#at + 2 * bytes))
    this.#reader.grow(wanted, this.#at)
  }

  #readRecord(records: readonly EncodedRecord[], record: number, isGroupClean: boolean): void {
    const start = this.#starts[record]!
    const end = this.#ends[record]!
    const reason = this.#reasons.size === 0 ? undefined : this.#reasons.get(record)
    if (reason !== undefined) {
      this.#reader.addUndecodable(records[record]!, record, start, reason)
      return
    }
    const isClean = isGroupClean || isUtf8(this.#reader.memory.bytes.subarray(start, end))
    this.#reader.readRecord(records[record]!, record, start, end, isClean)
  }
}

/** Room for so many bytes, and for the strings of a group. */
function capacityFor(bytes: number): number {
  let capacity = LEAST_CAPACITY
  while (capacity < bytes + 3 * GROUP_BYTES) capacity *= 2
  return capacity
}

/** What records hold before they are inflated. */
function leastBytes(records: readonly EncodedRecord[]): number {
  let bytes = 0
  for (const { data } of records) {
    bytes += typeof data === 'string' ? (data.length * 3) >>> 2 : data.byteLength
  }
  return bytes + records.length * GUARD_BYTES
}

function costOf(reason: UndecodableReason): number {
  return COSTLY.has(reason) ? MAX_INFLATED_BYTES : 0
}
