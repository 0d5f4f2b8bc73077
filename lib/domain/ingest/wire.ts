import { createHash } from 'node:crypto'
import { constants, gunzipSync, zstdDecompressSync } from 'node:zlib'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { elementsOf, isJsonSpace } from './json-text.ts'
import type { RawEvent, ReceivedEvent, Stub, UndecodableReason } from './raw-event.ts'

/** A record as the stream hands it over. */
export interface StreamRecord {
  readonly sequence: SequenceNumber
  readonly arrivalMicros: Micros
  readonly data: Uint8Array
}

export interface WireLimits {
  /** @default 16 MiB */
  readonly maxInflatedBytes?: number
  /** @default 10,000 */
  readonly maxEvents?: number
}

/** What one record may inflate to. */
export const MAX_INFLATED_BYTES = 16 << 20
export const MAX_EVENTS = 10_000
/** The greatest window that a zstd frame may ask memory for: that of 16 MiB. */
const MAX_WINDOW_LOG = 24

/**
 * Takes a record apart: one CloudEvent (a JSON object) or a batch (a JSON array), plain, gzip or zstd by its
 * magic bytes. Each event keeps its exact text. A record that cannot be taken apart as a whole is one stub
 * with a reason: nothing of it is guessed. Never throws, never inflates past the cap.
 */
export function unpackRecord(record: StreamRecord, limits: WireLimits = {}): RawEvent[] {
  const { sequence, arrivalMicros } = record
  const texts = textsOf(record.data, {
    maxInflatedBytes: limits.maxInflatedBytes ?? MAX_INFLATED_BYTES,
    maxEvents: limits.maxEvents ?? MAX_EVENTS,
  })
  if (typeof texts === 'string') return [stubOf(record, texts)]
  return texts.map((text, index): ReceivedEvent => {
    return { kind: 'event', sequence, index, arrivalMicros, text }
  })
}

function stubOf(record: StreamRecord, reason: UndecodableReason): Stub {
  return {
    kind: 'stub',
    sequence: record.sequence,
    index: 0,
    arrivalMicros: record.arrivalMicros,
    lengthBytes: record.data.byteLength,
    sha256: createHash('sha256').update(record.data).digest('hex'),
    reason,
  }
}

function textsOf(data: Uint8Array, limits: Required<WireLimits>): string[] | UndecodableReason {
  if (data.byteLength === 0) return 'undecodable.empty'
  const inflated = inflate(data, limits.maxInflatedBytes)
  if (typeof inflated === 'string') return inflated
  const text = utf8Text(inflated)
  if (text === undefined) return 'undecodable.notUtf8'
  const first = firstCharacter(text)
  const parsed = parse(text)
  if (!parsed.ok) return 'undecodable.notJson'
  if (first === '{') return [trimJson(text)]
  if (first !== '[') return 'undecodable.notEvents'
  const count = (parsed.value as readonly unknown[]).length
  if (count === 0) return 'undecodable.emptyBatch'
  if (count > limits.maxEvents) return 'undecodable.tooManyEvents'
  return elementsOf(text)
}

function inflate(data: Uint8Array, maxOutputLength: number): Uint8Array | UndecodableReason {
  const isGzip = data[0] === 0x1f && data[1] === 0x8b
  const isZstd = data[0] === 0x28 && data[1] === 0xb5 && data[2] === 0x2f && data[3] === 0xfd
  if (!isGzip && !isZstd) {
    return data.byteLength > maxOutputLength ? 'undecodable.tooLarge' : data
  }
  try {
    const options = { maxOutputLength, info: true }
    const result = isGzip
      ? gunzipSync(data, options)
      : zstdDecompressSync(data, {
          ...options,
          params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
        })
    const { buffer, engine } = result as unknown as Inflated
    // Both stop at the end of what they understand: for zstd that is the first of several frames.
    return engine.bytesWritten === data.byteLength ? buffer : 'undecodable.trailingBytes'
  } catch (error) {
    const { code } = error as { code?: string }
    return code === 'ERR_BUFFER_TOO_LARGE' ? 'undecodable.tooLarge' : 'undecodable.compression'
  }
}

/** What `info: true` makes of the answer; the types do not say it. */
interface Inflated {
  readonly buffer: Uint8Array
  /** `bytesWritten`: of the compressed input, how much was consumed. */
  readonly engine: { readonly bytesWritten: number }
}

// A byte order mark stays and is then no JSON: what raw keeps is exactly what came.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

function parse(text: string): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) }
  } catch {
    return { ok: false }
  }
}

function firstCharacter(text: string): string | undefined {
  let start = 0
  while (start < text.length && isJsonSpace(text.charCodeAt(start))) start++
  return text[start]
}

function trimJson(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isJsonSpace(text.charCodeAt(start))) start++
  while (end > start && isJsonSpace(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}
