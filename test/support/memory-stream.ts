import type { OutgoingRecord, RecordOutcome, RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

type Answer = (
  records: readonly OutgoingRecord[],
  stream: MemoryStream,
) => Promise<readonly RecordOutcome[]>

/** Kinesis' own. */
export const STREAM_LIMITS = {
  records: 500,
  bytes: 5 * 1024 * 1024,
  recordBytes: 1024 * 1024,
} as const

export const THROTTLED: RecordOutcome = { accepted: false, retryable: true, reason: 'throttled' }

/** A stream that keeps what it takes; `answer` says what it takes and what it answers. */
export class MemoryStream implements RecordSink {
  readonly limits: RecordSink['limits']
  readonly taken: OutgoingRecord[] = []
  readonly #answer: Answer

  constructor(
    answer: Answer = async (records, self) => self.take(records),
    limits = STREAM_LIMITS,
  ) {
    this.#answer = answer
    this.limits = limits
  }

  put(records: readonly OutgoingRecord[]) {
    return this.#answer(records, this)
  }

  /** Takes all of them. */
  take(records: readonly OutgoingRecord[]): RecordOutcome[] {
    this.taken.push(...records)
    return records.map(() => ({ accepted: true }))
  }

  /** The `id` of every event that it took, in stream order. */
  ids(): string[] {
    return this.taken.flatMap(idsIn)
  }
}

/** The `id` of every event in a record. */
export function idsIn({ data }: Pick<OutgoingRecord, 'data'>): string[] {
  return unpackRecord({ sequence: sequenceNumber('1'), arrivalMicros: 0, data }).map((one) =>
    one.kind === 'event' ? (JSON.parse(one.text) as { id: string }).id : one.reason,
  )
}

/** The shard, from 0, of a record in a stream whose shards divide the hash keys evenly. */
export function shardOf({ hashKey }: Pick<OutgoingRecord, 'hashKey'>, shards: number): number {
  return Number((BigInt(hashKey) * BigInt(shards)) >> 128n)
}
