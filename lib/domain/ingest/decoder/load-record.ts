import type { UndecodableReason } from '../raw-event.ts'
import { MAX_INFLATED_BYTES } from '../wire.ts'
import type { ByteMemory } from './byte-memory.ts'
import { inflate, isCompressed, isZstd } from './inflate.ts'
import { type ZstdInPlace, zstdInPlace } from './zstd-in-place.ts'

/** A record's bytes as they came: themselves, or base64, as Lambda gives them. */
export type RecordData = Uint8Array | string

/** Its bytes, whichever it is. */
export function bytesOf(data: RecordData): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'base64') : data
}

/** At least as many as it has: base64 may end early. */
export function mostBytes(data: RecordData): number {
  return typeof data === 'string' ? (data.length * 3) >>> 2 : data.byteLength
}

/** What loading a record gives instead of its length. */
export const NEEDS_ROOM = -1
export const UNDECODABLE = -2

/** Longer ones are inflated by the public function: what they save is little beside what they cost. */
const MAX_IN_PLACE_BYTES = 1 << 20

/** What `write` comes to for base64. It is not documented, so it may be missing. */
const base64Write = (Buffer.prototype as { base64Write?: (...args: Base64Write) => number })
  .base64Write
type Base64Write = readonly [text: string, at: number, length: number]

/** A record of one event is short: finding the way to this takes a good part of the time. */
function writeBase64(bytes: Buffer, ...[text, at, length]: Base64Write): number {
  return base64Write === undefined
    ? bytes.write(text, at, length, 'base64')
    : base64Write.call(bytes, text, at, length)
}

/** Puts records into the memory as plain bytes, inflated where they are gzip or zstd, never past the cap. */
export class RecordLoader {
  /** After {@link NEEDS_ROOM}: how much. */
  neededBytes = 0
  /** After {@link UNDECODABLE}. */
  reason: UndecodableReason = 'undecodable.empty'
  readonly #maxInflatedBytes: number
  /** Made when the first zstd record comes. */
  #zstd: ZstdInPlace | 'none' | undefined
  /** A compressed record, out of the way of what it becomes. */
  readonly #compressed = Buffer.allocUnsafeSlow(MAX_IN_PLACE_BYTES)
  /** Inflated, and waiting for more memory. */
  #waiting: { readonly data: RecordData; readonly bytes: Uint8Array } | undefined

  constructor(maxInflatedBytes = MAX_INFLATED_BYTES) {
    this.#maxInflatedBytes = maxInflatedBytes
  }

  /** Another batch begins: what still waited of one that broke off is forgotten. */
  begin(): void {
    this.#waiting = undefined
  }

  /** Loads a record at a place that has `room` bytes and the guard; returns its length. */
  load(memory: ByteMemory, at: number, room: number, data: RecordData): number {
    if (this.#waiting !== undefined) return this.#loadWaiting(memory, at, room, data)
    const { bytes } = memory
    const bound = mostBytes(data)
    if (bound > room) return this.#needsRoom(bound)
    let length = bound
    if (typeof data === 'string') length = writeBase64(bytes, data, at, room)
    else bytes.set(data, at)
    if (length === 0) return this.#undecodable('undecodable.empty')
    memory.guard(at + length)
    if (isCompressed(bytes, at)) {
      const inPlace = this.#inflateInPlace(bytes, at, length, room)
      if (inPlace > 0) {
        memory.guard(at + inPlace)
        return inPlace
      }
      const inflated = inflate(bytes.subarray(at, at + length), this.#maxInflatedBytes)
      if (typeof inflated === 'string') return this.#undecodable(inflated)
      this.#waiting = { data, bytes: inflated }
      return this.#loadWaiting(memory, at, room, data)
    }
    return length > this.#maxInflatedBytes ? this.#undecodable('undecodable.tooLarge') : length
  }

  /** The length of the record inflated where it stands; -1 if that must be done another way. */
  #inflateInPlace(bytes: Buffer, at: number, length: number, room: number): number {
    if (length > this.#compressed.length || !isZstd(bytes, at)) return -1
    if (this.#zstd === undefined) this.#zstd = zstdInPlace() ?? 'none'
    if (this.#zstd === 'none') return -1
    bytes.copy(this.#compressed, 0, at, at + length)
    const input = this.#compressed.subarray(0, length)
    const inflated = this.#zstd.inflate(input, bytes, at, Math.min(room, this.#maxInflatedBytes))
    // It may have been written over.
    if (inflated < 0) input.copy(bytes, at)
    return inflated
  }

  #loadWaiting(memory: ByteMemory, at: number, room: number, data: RecordData): number {
    const { bytes } = this.#waiting!
    if (this.#waiting!.data !== data) {
      this.#waiting = undefined
      return this.load(memory, at, room, data)
    }
    if (bytes.length > room) return this.#needsRoom(bytes.length)
    this.#waiting = undefined
    memory.bytes.set(bytes, at)
    memory.guard(at + bytes.length)
    return bytes.length
  }

  #needsRoom(bytes: number): number {
    this.neededBytes = bytes
    return NEEDS_ROOM
  }

  #undecodable(reason: UndecodableReason): number {
    this.reason = reason
    return UNDECODABLE
  }
}
