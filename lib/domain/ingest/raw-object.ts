import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { parseSequenceNumber, type SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import type { RawEvent } from './raw-event.ts'

/** The content of one raw object: what a batch was, decided once. Every line stands for itself. */
export interface RawBatch {
  readonly shard: string
  /** The contract version that judged it; a retry and a rebuild judge with the same. */
  readonly contractVersion: string
  /** In (sequence, index) order, at least one per record. */
  readonly events: readonly RawEvent[]
}

/** The columns of the `<product>_raw` table, in its order. */
interface RawLine {
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
}

const FORMAT = 1
const KINDS = new Set(['event', 'stub'])

/** One JSON line per event, zstd: readable by Athena as it is. */
export function encodeRawBatch(batch: RawBatch): Uint8Array {
  const lines = batch.events.map((event) => {
    const line: RawLine = {
      format: FORMAT,
      shard: batch.shard,
      sequence_number: event.sequence,
      event_index: event.index,
      arrival_time: isoOf(event.arrivalMicros).replace('T', ' ').replace('Z', ''),
      contract_version: batch.contractVersion,
      kind: event.kind,
      event: event.kind === 'event' ? event.text : null,
      length_bytes: event.kind === 'stub' ? event.lengthBytes : null,
      sha256: event.kind === 'stub' ? event.sha256 : null,
      reason: event.kind === 'stub' ? event.reason : null,
    }
    return `${JSON.stringify(line)}\n`
  })
  return zstdCompressSync(lines.join(''))
}

/** Throws `raw.unreadable` if it is not what {@link encodeRawBatch} wrote. */
export function decodeRawBatch(uri: string, bytes: Uint8Array): RawBatch {
  try {
    const text = zstdDecompressSync(bytes).toString('utf8')
    const lines = text.split('\n').filter((line) => line !== '')
    const parsed = lines.map((line) => JSON.parse(line) as RawLine)
    const foreign = parsed.find((line) => line.format !== FORMAT || !KINDS.has(line.kind))
    if (foreign) throw new Error(`format ${foreign.format}, kind ${foreign.kind}`)
    const head = parsed[0]
    if (head === undefined) throw new Error('no line')
    return {
      shard: head.shard,
      contractVersion: head.contract_version,
      events: parsed.map(eventOf),
    }
  } catch (cause) {
    throw new PlatformError('raw.unreadable', `raw object ${uri} cannot be read`, { cause })
  }
}

function eventOf(line: RawLine): RawEvent {
  const place = {
    sequence: parseSequenceNumber(line.sequence_number),
    arrivalMicros: Date.parse(`${line.arrival_time.replace(' ', 'T')}Z`) * 1000,
  }
  if (line.kind === 'event') {
    return { kind: 'event', ...place, index: line.event_index, text: line.event ?? '' }
  }
  return {
    kind: 'stub',
    ...place,
    index: 0,
    lengthBytes: line.length_bytes ?? 0,
    sha256: line.sha256 ?? '',
    reason: (line.reason ?? '') as Extract<RawEvent, { kind: 'stub' }>['reason'],
  }
}

/** First and last position of a batch. */
export function rangeOf(batch: RawBatch): { first: SequenceNumber; last: SequenceNumber } {
  return { first: batch.events[0]!.sequence, last: batch.events.at(-1)!.sequence }
}
