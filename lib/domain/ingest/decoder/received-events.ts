import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Place, RawEvent, Stub } from '../raw-event.ts'

/**
 * What was received, line by line, as raw keeps it: each event's exact bytes, or the stub of a record that nobody
 * can read; what `unpackRecord` gives, without an object or a string per event.
 */
export interface ReceivedEvents {
  /** Lines: events and stubs together, in place order. */
  readonly length: number
  /** The text of the event of a line is `bytes[starts[line]]` to `bytes[ends[line]]`; of a stub it is empty. */
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
  placeOf(line: number): Place
  stubOf(line: number): Stub | undefined
  /** The line as `unpackRecord` gives it. */
  at(line: number): RawEvent
}

/** A record's place in the stream. */
export type RecordPlace = Omit<Place, 'index'>

/** The lines of the batch being read, and the line of each accepted row. Used again for every batch. */
export class EventLines implements ReceivedEvents {
  bytes: Buffer = Buffer.alloc(0)
  starts = new Int32Array(256)
  ends = new Int32Array(256)
  /** The record of each line, as its position in the batch, and the line's index in it. */
  recordOf = new Int32Array(256)
  indexOf = new Int32Array(256)
  lineOfRow = new Int32Array(256)
  length = 0
  /** Of each record: where it stood in the stream. */
  arrivals = new Float64Array(16)
  sequences: SequenceNumber[] = []
  #stubs = new Map<number, Stub>()

  clear(records: readonly RecordPlace[]): void {
    this.length = 0
    this.#stubs = new Map()
    const count = records.length
    if (count > this.arrivals.length) this.arrivals = new Float64Array(2 * count)
    this.sequences = new Array<SequenceNumber>(count)
    // A loop of its own: what it fetches of many records at once is in cache when they are read one by one.
    for (let i = 0; i < count; i++) {
      const { sequence, arrivalMicros } = records[i]!
      this.arrivals[i] = arrivalMicros
      this.sequences[i] = sequence
    }
  }

  /** Makes room for so many lines more, and for a row of each of them. */
  reserve(lines: number): void {
    const wanted = this.length + lines
    if (wanted <= this.starts.length) return
    this.starts = wider(this.starts, wanted)
    this.ends = wider(this.ends, wanted)
    this.recordOf = wider(this.recordOf, wanted)
    this.indexOf = wider(this.indexOf, wanted)
    this.lineOfRow = wider(this.lineOfRow, wanted)
  }

  addStub(record: number, at: number, stub: Stub): void {
    this.reserve(1)
    this.#stubs.set(this.length, stub)
    this.add(record, stub.index, at, at)
  }

  /** Room must have been reserved. */
  add(record: number, index: number, start: number, end: number): void {
    const line = this.length++
    this.starts[line] = start
    this.ends[line] = end
    this.recordOf[line] = record
    this.indexOf[line] = index
  }

  placeOf(line: number): Place {
    const record = this.recordOf[line]!
    return {
      sequence: this.sequences[record]!,
      index: this.indexOf[line]!,
      arrivalMicros: this.arrivals[record]!,
    }
  }

  stubOf(line: number): Stub | undefined {
    return this.#stubs.get(line)
  }

  at(line: number): RawEvent {
    const stub = this.stubOf(line)
    if (stub !== undefined) return stub
    const text = this.bytes.toString('utf8', this.starts[line], this.ends[line])
    return { kind: 'event', ...this.placeOf(line), text }
  }
}

function wider(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(2 * length)
  wide.set(array)
  return wide
}
