import { isoOf, MICROS_PER_MINUTE } from '#lib/domain/kernel/time.ts'
import type { ReceivedEvents } from './decoder/received-events.ts'
import type { BatchDrift } from './drift.ts'
import type { SealedRejection, Stub } from './raw-event.ts'

/** The columns of the `<product>_raw` table, in its order: one JSON object per line. */
export interface RawLine {
  /** Of this line's meaning; raw is for ever, and an older process must not guess what a newer one wrote. */
  readonly format: number
  readonly shard: string
  readonly sequence_number: string
  readonly event_index: number
  readonly arrival_time: string
  readonly contract_version: string
  readonly kind: 'event' | 'stub'
  readonly event: string | null
  readonly length_bytes: number | null
  readonly sha256: string | null
  readonly reason: string | null
  /** Of a sealed event that was rejected. */
  readonly rejected?: SealedRejection
  /** Of a sealed batch, in its first line. */
  readonly drift?: BatchDrift
}

export const RAW_FORMAT = 1
/** Of a batch in which what is personal is sealed: who does not know how must not judge it. */
export const SEALED_RAW_FORMAT = 2

/** What raw holds of a batch that was sealed, beside its events. */
export interface SealedBatch {
  /** What no contract knows was sealed too: it cannot be counted again. */
  readonly drift: BatchDrift
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const ZERO = 0x30
const MS_PER_MINUTE = MICROS_PER_MINUTE / 1000
/** A word is written whole where only its first bytes count. */
const SLACK_BYTES = 8
/** Of a line around its event. */
const USUAL_FRAME_BYTES = 512
/** Of a line: its index and its quotes. */
const OWN_BYTES = 32

/** What stands behind the backslash for a byte that must be escaped; 0 where JSON knows no short form. */
const SHORT_FORM = new Uint8Array(0x60)
for (const text of ['"', '\\', '\b', '\f', '\n', '\r', '\t']) {
  SHORT_FORM[text.charCodeAt(0)] = JSON.stringify(text).charCodeAt(2)
}

/**
 * Writes the lines of one raw object, byte for byte as `JSON.stringify` would, from the bytes that were received: no
 * string is made of an event, and none of a line.
 */
export class RawLineWriter {
  readonly #shard: string
  readonly #contractVersion: string
  readonly #received: ReceivedEvents
  readonly #source: DataView
  #bytes: Buffer
  #view: DataView
  #at = 0
  /** What each line has before its index: all but the sequence number is the same in every one. */
  readonly #before = new Piece()
  readonly #beforeSequence: number
  /** What stands between the index and the event; of the arrival in it the minute rarely changes. */
  readonly #between = new Piece()
  readonly #behind = new Piece()
  #record = -1
  #minute = Number.NaN
  #secondsAt = 0
  readonly #format: number
  readonly #drift: BatchDrift | undefined

  constructor(
    shard: string,
    contractVersion: string,
    received: ReceivedEvents,
    sealed?: SealedBatch,
  ) {
    this.#format = sealed === undefined ? RAW_FORMAT : SEALED_RAW_FORMAT
    this.#drift = sealed?.drift
    this.#shard = shard
    this.#contractVersion = contractVersion
    this.#received = received
    const { bytes, length, starts, ends } = received
    this.#source = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#before.append(
      `{"format":${this.#format},"shard":${JSON.stringify(shard)},"sequence_number":"`,
    )
    this.#beforeSequence = this.#before.length
    this.#finishLine(this.#drift)
    // Twice the text, in case all of it is escaped: what is not touched costs nothing.
    let capacity = SLACK_BYTES
    for (let line = 0; line < length; line++) {
      capacity += 2 * (ends[line]! - starts[line]!) + USUAL_FRAME_BYTES
    }
    this.#bytes = Buffer.allocUnsafeSlow(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  write(): Uint8Array {
    const { length, starts, ends, indexOf } = this.#received
    for (let line = 0; line < length; line++) {
      const stub = this.#received.stubs.get(line)
      if (stub !== undefined) {
        this.#writeStub(stub, line === 0 ? this.#drift : undefined)
        if (line === 0 && this.#drift !== undefined) this.#finishLine(undefined)
        continue
      }
      this.#moveTo(this.#received.recordOf[line]!)
      this.#reserve(this.#before.length + OWN_BYTES + this.#between.length + this.#behind.length)
      this.#put(this.#before)
      this.#putNumber(indexOf[line]!)
      this.#put(this.#between)
      this.#putEscaped(starts[line]!, ends[line]!)
      this.#put(this.#behind)
      if (line === 0 && this.#drift !== undefined) this.#finishLine(undefined)
    }
    return this.#bytes.subarray(0, this.#at)
  }

  /** Makes the pieces those of a record. */
  #moveTo(record: number): void {
    if (record === this.#record) return
    this.#record = record
    const { sequences, arrivals } = this.#received
    this.#before.cutTo(this.#beforeSequence)
    this.#before.append(sequences[record]!)
    this.#before.append('","event_index":')
    const ms = Math.floor(arrivals[record]! / 1000)
    const minute = Math.floor(ms / MS_PER_MINUTE)
    if (minute !== this.#minute) this.#setMinute(minute)
    const inMinute = ms - minute * MS_PER_MINUTE
    this.#between.putDigits(this.#secondsAt, Math.floor(inMinute / 1000), 2)
    this.#between.putDigits(this.#secondsAt + 'ss.'.length, inMinute % 1000, 3)
  }

  #setMinute(minute: number): void {
    const start = isoOf(minute * MICROS_PER_MINUTE)
      .replace('T', ' ')
      .replace('Z', '')
    this.#between.cutTo(0)
    this.#between.append(`,"arrival_time":"${start}`)
    this.#secondsAt = this.#between.length - 'ss.mmm'.length
    const version = JSON.stringify(this.#contractVersion)
    this.#between.append(`","contract_version":${version},"kind":"event","event":`)
    this.#minute = minute
  }

  /** What lines have behind their event from here on. */
  #finishLine(drift: BatchDrift | undefined): void {
    this.#behind.cutTo(0)
    this.#behind.append(',"length_bytes":null,"sha256":null,"reason":null')
    this.#behind.append(drift === undefined ? '}\n' : `,"drift":${JSON.stringify(drift)}}\n`)
  }

  /** Stubs are few. */
  #writeStub(stub: Stub, drift: BatchDrift | undefined): void {
    const { sequence, index, arrivalMicros, lengthBytes, sha256, reason, rejected } = stub
    const line: RawLine = {
      format: this.#format,
      shard: this.#shard,
      sequence_number: sequence,
      event_index: index,
      arrival_time: isoOf(arrivalMicros).replace('T', ' ').replace('Z', ''),
      contract_version: this.#contractVersion,
      kind: 'stub',
      event: null,
      length_bytes: lengthBytes,
      sha256: sha256 === '' ? null : sha256,
      reason,
      ...(rejected === undefined ? {} : { rejected }),
      ...(drift === undefined ? {} : { drift }),
    }
    const text = Buffer.from(`${JSON.stringify(line)}\n`)
    this.#reserve(text.length)
    this.#at += text.copy(this.#bytes, this.#at)
  }

  #put({ view, length }: Piece): void {
    for (let i = 0; i < length; i += 4) {
      this.#view.setInt32(this.#at + i, view.getInt32(i, true), true)
    }
    this.#at += length
  }

  #putNumber(value: number): void {
    let digits = 1
    for (let power = 10; value >= power; power *= 10) digits++
    for (let i = digits - 1; i >= 0; i--) {
      this.#bytes[this.#at + i] = ZERO + (value % 10)
      value = Math.floor(value / 10)
    }
    this.#at += digits
  }

  /** The text as a JSON string. Bytes beyond ASCII stand in one as they are. */
  #putEscaped(start: number, end: number): void {
    this.#reserve(2 * (end - start) + 2 * OWN_BYTES)
    this.#bytes[this.#at++] = QUOTE
    for (let from = start; from < end; ) {
      // To the first quote, backslash or control byte, four bytes at a time; what is written too much is written over.
      const word = this.#source.getInt32(from, true)
      this.#view.setInt32(this.#at, word, true)
      const quote = word ^ 0x22222222
      const slash = word ^ 0x5c5c5c5c
      const found =
        (((quote - 0x01010101) & ~quote) |
          ((slash - 0x01010101) & ~slash) |
          ((word - 0x20202020) & ~word)) &
        0x80808080
      const plain = Math.min(found === 0 ? 4 : (31 - Math.clz32(found & -found)) >> 3, end - from)
      from += plain
      this.#at += plain
      if (plain < 4 && from < end) this.#putEscape(this.#source.getUint8(from++), end - from)
    }
    this.#bytes[this.#at++] = QUOTE
  }

  #putEscape(byte: number, left: number): void {
    const short = SHORT_FORM[byte]!
    this.#bytes[this.#at++] = BACKSLASH
    if (short !== 0) {
      this.#bytes[this.#at++] = short
      return
    }
    const text = `u${byte.toString(16).padStart(4, '0')}`
    this.#reserve(2 * left + 2 * OWN_BYTES)
    this.#at += this.#bytes.write(text, this.#at)
  }

  #reserve(bytes: number): void {
    const wanted = this.#at + bytes + SLACK_BYTES
    if (wanted <= this.#bytes.length) return
    const wider = Buffer.allocUnsafeSlow(2 * wanted)
    this.#bytes.copy(wider, 0, 0, this.#at)
    this.#bytes = wider
    this.#view = new DataView(wider.buffer)
  }
}

/** Bytes that many lines have in common. */
class Piece {
  length = 0
  #bytes = Buffer.alloc(256)
  view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset)

  append(text: string): void {
    const wanted = this.length + 3 * text.length + SLACK_BYTES
    if (wanted > this.#bytes.length) {
      this.#bytes = Buffer.concat([this.#bytes], 2 * wanted)
      this.view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset)
    }
    this.length += this.#bytes.write(text, this.length)
  }

  cutTo(length: number): void {
    this.length = length
  }

  /** Writes a number over so many digits. */
  putDigits(at: number, value: number, digits: number): void {
    for (let i = digits - 1; i >= 0; i--) {
      this.#bytes[at + i] = ZERO + (value % 10)
      value = Math.floor(value / 10)
    }
  }
}
