import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { RecordSink } from './producer-sink.ts'
import { PARTITION_SLOTS } from './producer-slot.ts'

export interface ProducerOptions {
  readonly sink: RecordSink
  readonly sleep: (ms: number) => Promise<void>
  /** Uniform in [0, 1). */
  readonly random: () => number
  /**
   * `key`: events of one partition key arrive in the order they were sent. `none`: any order, and a record that is
   * refused holds back no other. Where an event goes does not depend on it. @default 'key'
   */
  readonly order?: 'key' | 'none'
  /**
   * Slots that the events of one key share: the contract's `weir.spread`, the same for everybody who sends to the
   * product, or a resend by another would not meet its first try. Above 1 events of one key are in no order. @default 1
   */
  readonly spread?: number
  /** Bytes of events that share a record. @default 256 KiB */
  readonly batchBytes?: number
  /** Events that share a record; a consumer refuses records of more than 10,000. @default 5,000 */
  readonly batchEvents?: number
  /** How long an event waits for company at most. @default 200 */
  readonly lingerMs?: number
  /**
   * Bytes that are held at most: beyond it `send` waits, and at twice as much, which only a caller reaches that does
   * not wait for `send`, it refuses the event. @default 32 MiB
   */
  readonly bufferBytes?: number
  /** Calls to the stream at the same time. @default 4 */
  readonly concurrency?: number
  /** Attempts for a record, the first included. @default 12 */
  readonly maxAttempts?: number
  /** Gives up everything that is not acknowledged yet. */
  readonly signal?: AbortSignal
  /** Told after every call that the stream answered, for progress. */
  readonly onProgress?: (counts: ProducerCounts) => void
}

export interface ProducerCounts {
  /** Events handed in. */
  readonly sent: number
  /** Events that the stream acknowledged. */
  readonly accepted: number
  /** Records sent again because the stream refused them, or because nobody knows. */
  readonly retried: number
  /** Events given up. */
  readonly failed: number
}

type Optional = 'onProgress' | 'signal'

/** The options with their defaults. Throws `producer.spread` if there are not so many slots. */
export function allOptions(
  options: ProducerOptions,
): Required<Omit<ProducerOptions, Optional>> & Pick<ProducerOptions, Optional> {
  const { spread = 1 } = options
  if (!Number.isInteger(spread) || spread < 1 || spread > PARTITION_SLOTS) {
    throw new PlatformError(
      'producer.spread',
      `spread is ${spread}: write a whole number from 1 to ${PARTITION_SLOTS}`,
    )
  }
  return {
    order: 'key',
    spread,
    batchBytes: 256 * 1024,
    batchEvents: 5_000,
    lingerMs: 200,
    bufferBytes: 32 * 1024 * 1024,
    concurrency: 4,
    maxAttempts: 12,
    ...options,
  }
}
