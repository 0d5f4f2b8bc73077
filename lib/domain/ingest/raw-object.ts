import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { ReceivedEvents } from './decoder/received-events.ts'
import type { RawEvent } from './raw-event.ts'
import {
  RAW_FORMAT,
  type RawLine,
  RawLineWriter,
  SEALED_RAW_FORMAT,
  type SealedBatch,
} from './raw-line-writer.ts'

/** The content of one raw object: what a batch was, decided once. Every line stands for itself. */
export interface RawBatch {
  readonly shard: string
  /** The contract version that judged it; a retry and a rebuild judge with the same. */
  readonly contractVersion: string
  /** In (sequence, index) order, at least one per record. */
  readonly events: readonly RawEvent[]
  /** Of a product with personal fields. */
  readonly sealed?: SealedBatch
}

const FORMATS = new Set<number>([RAW_FORMAT, SEALED_RAW_FORMAT])
const KINDS = new Set(['event', 'stub'])

/** One JSON line per event, zstd: readable by Athena as it is. */
export function encodeRaw(
  shard: string,
  contractVersion: string,
  received: ReceivedEvents,
  sealed?: SealedBatch,
): Uint8Array {
  return zstdCompressSync(new RawLineWriter(shard, contractVersion, received, sealed).write())
}

/** Throws `raw.unreadable` if it is not what {@link encodeRaw} wrote. */
export function decodeRawBatch(uri: string, bytes: Uint8Array): RawBatch {
  try {
    const text = zstdDecompressSync(bytes).toString('utf8')
    const lines = text.split('\n').filter((line) => line !== '')
    const parsed = lines.map((line) => JSON.parse(line) as RawLine)
    const foreign = parsed.find(({ format, kind }) => !FORMATS.has(format) || !KINDS.has(kind))
    if (foreign) throw new Error(`format ${foreign.format}, kind ${foreign.kind}`)
    const head = parsed[0]
    if (head === undefined) throw new Error('no line')
    return {
      shard: head.shard,
      contractVersion: head.contract_version,
      events: parsed.map(eventOf),
      ...(head.format === SEALED_RAW_FORMAT ? { sealed: { drift: head.drift ?? {} } } : {}),
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
    index: line.event_index,
    lengthBytes: line.length_bytes ?? 0,
    sha256: line.sha256 ?? '',
    reason: line.reason ?? '',
    ...(line.rejected === undefined ? {} : { rejected: line.rejected }),
  }
}
