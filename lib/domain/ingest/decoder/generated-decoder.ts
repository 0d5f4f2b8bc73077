import { isUtf8 } from 'node:buffer'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { RawEvent, UndecodableReason } from '../raw-event.ts'
import { RAW_LIMITS, type RawLimits, weightOfStub } from '../raw-limits.ts'
import { BatchReader } from './batch-reader.ts'
import { GUARD_BYTES } from './byte-memory.ts'
import type { DecodedRecords } from './decoded-records.ts'
import type {
  BatchContext,
  Decoder,
  DecoderOptions,
  EncodedRecord,
  RecordsContext,
} from './decoder.ts'
import type { FieldPlan } from './field-plan.ts'
import { mostBytes, NEEDS_ROOM, RecordLoader, UNDECODABLE } from './load-record.ts'
import type { ReceivedEvents } from './received-events.ts'

/** Records are read in groups of about this size, so that they are still in cache when they are read again. */
const GROUP_BYTES = 256 * 1024
const LEAST_CAPACITY = 1 << 20
const SLACK_BYTES = 64
/** UTF-8 takes up to three bytes for a code unit of a string. */
const MAX_BYTES_PER_UNIT = 3

/** A decoder whose code was generated for its contract. */
export class GeneratedDecoder implements Decoder {
  readonly #reader: BatchReader
  readonly #loader = new RecordLoader()
  /** Of each record of the batch: where it was loaded, or why it could not be. */
  #starts = new Int32Array(16)
  #ends = new Int32Array(16)
  readonly #reasons = new Map<number, UndecodableReason>()
  /** The next free place. */
  #at = 0
  /** At least what the batch weighs: bytes are never fewer than UTF-16 units. */
  #mostWeight = 0
  /** What its first lines weigh, and how many of them were weighed: none, unless the bound is too much. */
  #weight = 0
  #weighed = 0

  /** Throws `EvalError` where the process does not allow code from strings. */
  constructor(contract: Contract, plans: readonly FieldPlan[], options: DecoderOptions) {
    this.#reader = new BatchReader(
      contract,
      plans,
      capacityFor(options.expectedBytes ?? 0),
      options.judges,
    )
  }

  decodeRecords(records: readonly EncodedRecord[], context: RecordsContext): DecodedRecords {
    const limits = context.limits ?? RAW_LIMITS
    this.#reader.begin(records)
    this.#begin(records.length)
    let taken = 0
    let isFull = false
    while (taken < records.length && !isFull) {
      const first = taken
      const groupAt = this.#at
      const next = this.#loadGroup(records, first, limits.maxWeight)
      this.#reader.beginGroup(this.#at)
      const isClean = isUtf8(this.#reader.memory.bytes.subarray(groupAt, this.#at))
      for (; taken < next; taken++) {
        this.#readRecord(records[taken]!, taken, isClean)
        isFull = taken > 0 && this.#exceeds(limits)
        if (isFull) break
        this.#reader.keep()
      }
      if (isFull) this.#reader.takeBack()
      this.#at = this.#reader.endGroup(groupAt, this.#at)
      if (this.#weighed === this.#reader.lines.length) this.#mostWeight = this.#weight
    }
    return this.#reader.finish(context.shard, taken)
  }

  decodeEvents(events: readonly RawEvent[], context: BatchContext): DecodedRecords {
    const textOf = (i: number) => {
      const event = events[i]!
      return event.kind === 'event' ? event.text : ''
    }
    this.#reader.begin(events)
    this.#begin(events.length)
    this.#decodeAlone(events.length, {
      bytesOf: (i) => textOf(i).length * MAX_BYTES_PER_UNIT,
      put: (i, bytes, at) => bytes.write(textOf(i), at),
      read: (i, start, end) => {
        const event = events[i]!
        if (event.kind === 'stub') this.#reader.addStub(i, start, event)
        else this.#reader.readAlone(i, event.index, start, end, event.text)
      },
    })
    return this.#reader.finish(context.shard, events.length)
  }

  decodeLines(
    received: ReceivedEvents,
    lines: readonly number[],
    context: BatchContext,
  ): DecodedRecords {
    const { starts, ends, recordOf, indexOf } = received
    this.#reader.beginLike(received)
    this.#begin(lines.length)
    this.#decodeAlone(lines.length, {
      bytesOf: (i) => ends[lines[i]!]! - starts[lines[i]!]!,
      put: (i, bytes, at) => received.bytes.copy(bytes, at, starts[lines[i]!], ends[lines[i]!]),
      read: (i, start, end) => {
        const line = lines[i]!
        const stub = received.stubs.get(line)
        if (stub !== undefined) this.#reader.addStub(recordOf[line]!, start, stub)
        else this.#reader.readAlone(recordOf[line]!, indexOf[line]!, start, end)
      },
    })
    return this.#reader.finish(context.shard, received.sequences.length)
  }

  #begin(count: number): void {
    this.#loader.begin()
    this.#reasons.clear()
    this.#at = 0
    this.#mostWeight = 0
    this.#weight = 0
    this.#weighed = 0
    if (count > this.#starts.length) {
      this.#starts = new Int32Array(2 * count)
      this.#ends = new Int32Array(2 * count)
    }
  }

  /** Whether the lines so far are more than a batch takes. */
  #exceeds({ maxEvents, maxWeight }: RawLimits): boolean {
    const { lines } = this.#reader
    if (lines.length > maxEvents) return true
    if (this.#mostWeight <= maxWeight) return false
    this.#weight += lines.weight(this.#weighed, lines.length)
    this.#weighed = lines.length
    return this.#weight > maxWeight
  }

  /** Loads records from `first` on until a group is full; returns the first record that is not in it. */
  #loadGroup(records: readonly EncodedRecord[], first: number, maxWeight: number): number {
    const groupAt = this.#at
    let next = first
    while (next < records.length && this.#at - groupAt < GROUP_BYTES) {
      // What comes after that may be too much: the group ends, and what it holds is weighed.
      if (next > first && this.#mostWeight > maxWeight) return next
      const { memory } = this.#reader
      const loader = this.#loader
      const { data } = records[next]!
      const length = loader.load(memory, this.#at, this.#room(groupAt), data)
      if (length === NEEDS_ROOM) {
        if (next > first) return next
        // In one step for what is known to come: growing costs compiling the code again.
        this.#grow(Math.max(loader.neededBytes, Math.min(leastBytes(records, next), maxWeight)))
        continue
      }
      const isUndecodable = length === UNDECODABLE
      if (isUndecodable) this.#reasons.set(next, loader.reason)
      this.#mostWeight += isUndecodable ? weightOfStub(loader.reason, mostBytes(data)) : length
      this.#place(next++, isUndecodable ? 0 : length)
    }
    return next
  }

  /** Puts events into the memory one by one, in groups, and reads each group. */
  #decodeAlone(
    count: number,
    event: {
      /** At most so many. */
      readonly bytesOf: (i: number) => number
      readonly put: (i: number, bytes: Buffer, at: number) => number
      readonly read: (i: number, start: number, end: number) => void
    },
  ): void {
    let next = 0
    while (next < count) {
      const first = next
      const groupAt = this.#at
      for (; next < count && this.#at - groupAt < GROUP_BYTES; next++) {
        const needed = event.bytesOf(next)
        if (needed > this.#room(groupAt)) {
          if (next > first) break
          this.#grow(needed)
        }
        const { memory } = this.#reader
        const length = event.put(next, memory.bytes, this.#at)
        memory.guard(this.#at + length)
        this.#place(next, length)
      }
      this.#reader.beginGroup(this.#at)
      for (let i = first; i < next; i++) event.read(i, this.#starts[i]!, this.#ends[i]!)
      this.#reader.endGroup(groupAt, this.#at)
    }
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

  #grow(bytes: number): void {
    const { capacity } = this.#reader.memory
    const wanted = Math.max(2 * capacity, capacityFor(this.#at + 2 * bytes))
    this.#reader.grow(wanted, this.#at)
  }

  #readRecord(record: EncodedRecord, position: number, isGroupClean: boolean): void {
    const start = this.#starts[position]!
    const end = this.#ends[position]!
    const reason = this.#reasons.size === 0 ? undefined : this.#reasons.get(position)
    if (reason !== undefined) {
      this.#reader.addUndecodable(record, position, start, reason)
      return
    }
    const isClean = isGroupClean || isUtf8(this.#reader.memory.bytes.subarray(start, end))
    this.#reader.readRecord(record, position, start, end, isClean)
  }
}

/** Room for so many bytes, and for the strings of a group. */
function capacityFor(bytes: number): number {
  let capacity = LEAST_CAPACITY
  while (capacity < bytes + 3 * GROUP_BYTES) capacity *= 2
  return capacity
}

/** What records from one on hold before they are inflated. */
function leastBytes(records: readonly EncodedRecord[], first: number): number {
  let bytes = 0
  for (let i = first; i < records.length; i++) bytes += mostBytes(records[i]!.data) + GUARD_BYTES
  return bytes
}
