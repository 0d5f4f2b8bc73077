import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Lambda's own limits of one batch from Kinesis. */
const MAX_RECORDS = 10_000
const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
/** What the payload says of a record besides its data. */
const RECORD_FRAME_BYTES = 400

/**
 * The event source mapping of one shard as Lambda documents it: a batch closes when its first record has waited for
 * the window, at 10,000 records or at 6 MB of payload; one batch after another.
 */
export class StreamMapping {
  readonly #time: VirtualTime
  readonly #windowMs: number
  readonly #invoke: (records: readonly StreamRecord[]) => Promise<void>
  #pending: StreamRecord[] = []
  #payloadBytes = 0
  #batch = 0

  constructor(
    time: VirtualTime,
    windowMs: number,
    invoke: (records: readonly StreamRecord[]) => Promise<void>,
  ) {
    this.#time = time
    this.#windowMs = windowMs
    this.#invoke = invoke
  }

  async take(record: StreamRecord): Promise<void> {
    const bytes = Math.ceil(record.data.byteLength / 3) * 4 + RECORD_FRAME_BYTES
    const isFull =
      this.#pending.length >= MAX_RECORDS || this.#payloadBytes + bytes > MAX_PAYLOAD_BYTES
    if (isFull) await this.#close()
    if (this.#pending.length === 0) {
      const batch = this.#batch
      this.#time.after(this.#windowMs, async () => {
        if (batch === this.#batch) await this.#close()
      })
    }
    this.#pending.push(record)
    this.#payloadBytes += bytes
  }

  async #close(): Promise<void> {
    const records = this.#pending
    this.#pending = []
    this.#payloadBytes = 0
    this.#batch += 1
    if (records.length > 0) await this.#invoke(records)
  }
}

/** The shard of a hash key in a stream whose shards divide the hash range evenly. */
export function shardOf(hashKey: string, shards: number): number {
  return Number((BigInt(hashKey) * BigInt(shards)) >> 128n)
}
