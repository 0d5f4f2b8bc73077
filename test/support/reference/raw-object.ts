import { zstdCompressSync } from 'node:zlib'
import type { RawBatch } from '#lib/domain/ingest/raw-object.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'

/** The columns of the `<product>_raw` table, in its order. */
interface RawLine {
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

/** First and last position of a batch. */
export function rangeOf(batch: RawBatch): { first: SequenceNumber; last: SequenceNumber } {
  return { first: batch.events[0]!.sequence, last: batch.events.at(-1)!.sequence }
}
