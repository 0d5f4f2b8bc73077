import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Place, RawEvent, Stub } from '../raw-event.ts'
import { weightOf } from '../raw-limits.ts'

/**
 * What was received, line by line, as raw keeps it: each event's exact bytes, or the stub of a record that nobody
 * can read; what `unpackRecord` gives, without an object or a string per event.
 */
export interface ReceivedEvents {
  /** Lines: events and stubs together, in place order. */
  readonly length: number
  /** The text of the event of a line is `bytes[starts[line]]` to `bytes[ends[line]]`; of a stub it is empty. */
  readonly bytes: Buffer
  readonly starts: Int32Array
  readonly ends: Int32Array
  /** The record of each line, as its position among those given, and the line's index in it. */
  readonly recordOf: Int32Array
  readonly indexOf: Int32Array
  /** Of each record given: where it stood in the stream. */
  readonly sequences: readonly SequenceNumber[]
  readonly arrivals: Float64Array
  /** By line, in place order. */
  readonly stubs: ReadonlyMap<number, Stub>
  placeOf(line: number): Place
  /** The line as `unpackRecord` gives it. */
  at(line: number): RawEvent
}

/** Bytes are read in words, also across the end of a text. */
const SLACK_BYTES = 8

/** A record's place in the stream. */
export type RecordPlace = Omit<Place, 'index'>

/** The lines of the batch being read, and the line of each accepted row. Used again for every batch. */
export class EventLines implements ReceivedEvents {
  bytes: Buffer = Buffer.alloc(0)
  starts = new Int32Array(256)
  ends = new Int32Array(256)
  recordOf = new Int32Array(256)
  indexOf = new Int32Array(256)
  lineOfRow = new Int32Array(256)
  length = 0
  arrivals: Float64Array = new Float64Array(0)
  sequences: readonly SequenceNumber[] = []
  /** Not those of another decoder whose records are read again. */
  #ownArrivals = new Float64Array(0)
  readonly stubs = new Map<number, Stub>()

  /** Lines of these records follow. */
  begin(records: readonly RecordPlace[]): void {
    this.length = 0
    this.stubs.clear()
    const count = records.length
    if (count > this.#ownArrivals.length) this.#ownArrivals = new Float64Array(2 * count)
    const arrivals = this.#ownArrivals
    const sequences = new Array<SequenceNumber>(count)
    // A loop of its own: what it fetches of many records at once is in cache when they are read one by one.
    for (let i = 0; i < count; i++) {
      const { sequence, arrivalMicros } = records[i]!
      arrivals[i] = arrivalMicros
      sequences[i] = sequence
    }
    this.arrivals = arrivals
    this.sequences = sequences
  }

  /** Lines of the same records follow. */
  beginLike({ arrivals, sequences }: ReceivedEvents): void {
    this.length = 0
    this.stubs.clear()
    this.arrivals = arrivals
    this.sequences = sequences
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

  addStub(at: number, stub: Stub): void {
    this.reserve(1)
    this.stubs.set(this.length, stub)
    this.add(at, at)
  }

  /** Room must have been reserved. */
  add(start: number, end: number): void {
    const line = this.length++
    this.starts[line] = start
    this.ends[line] = end
  }

  /** Says where the lines from one on stood: in this record, from an index on. */
  place(first: number, record: number, index = 0): void {
    const { recordOf, indexOf, length } = this
    for (let line = first; line < length; line++) {
      recordOf[line] = record
      indexOf[line] = index + line - first
    }
  }

  /** A line with its text behind those that are there: for who has no memory of its own. */
  append(record: number, event: RawEvent): void {
    const line = this.length
    const at = line === 0 ? 0 : this.ends[line - 1]!
    if (event.kind === 'stub') {
      this.addStub(at, event)
    } else {
      const wanted = at + Buffer.byteLength(event.text) + SLACK_BYTES
      if (wanted > this.bytes.length) {
        this.bytes = Buffer.concat([this.bytes.subarray(0, at)], 2 * wanted)
      }
      this.reserve(1)
      this.add(at, at + this.bytes.write(event.text, at))
    }
    this.place(line, record, event.index)
  }

  /** Forgets the lines from this one on. */
  cutTo(length: number): void {
    for (let line = length; this.stubs.size > 0 && line < this.length; line++) {
      this.stubs.delete(line)
    }
    this.length = length
  }

  /** What the lines from one to another count in raw. */
  weight(first: number, end: number): number {
    let weight = 0
    for (let line = first; line < end; line++) {
      const stub = this.stubs.get(line)
      weight +=
        stub === undefined
          ? utf16Length(this.bytes, this.starts[line]!, this.ends[line]!)
          : weightOf(stub)
    }
    return weight
  }

  /** Moves the texts from a line on together, to begin at a place before them; the place behind them. */
  moveTogether(first: number, at: number): number {
    for (let line = first; line < this.length; line++) {
      const start = this.starts[line]!
      const end = this.ends[line]!
      this.bytes.copyWithin(at, start, end)
      this.starts[line] = at
      at += end - start
      this.ends[line] = at
    }
    return at
  }

  placeOf(line: number): Place {
    const record = this.recordOf[line]!
    return {
      sequence: this.sequences[record]!,
      index: this.indexOf[line]!,
      arrivalMicros: this.arrivals[record]!,
    }
  }

  at(line: number): RawEvent {
    const stub = this.stubs.get(line)
    if (stub !== undefined) return stub
    const text = this.bytes.toString('utf8', this.starts[line], this.ends[line])
    return { kind: 'event', ...this.placeOf(line), text }
  }
}

/** Units of a range of UTF-8: as many as characters, and one more for each that takes four bytes. */
function utf16Length(bytes: Uint8Array, start: number, end: number): number {
  let units = 0
  for (let at = start; at < end; at++) {
    const byte = bytes[at]!
    if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1
  }
  return units
}

function wider(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(2 * length)
  wide.set(array)
  return wide
}
