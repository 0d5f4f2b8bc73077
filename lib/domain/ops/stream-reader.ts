import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

/** Reads what a stream still holds, beside its consumers and without a trace. */
export interface StreamReader {
  /** Every shard that the stream still knows, closed ones included, in id order. */
  shards(): Promise<readonly string[]>
  /** The records of a shard from the oldest that is still held, or after a position, up to the tip. */
  pages(shard: string, after?: SequenceNumber): AsyncIterable<readonly StreamRecord[]>
}
