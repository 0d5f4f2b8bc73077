import type { RawEvent } from './raw-event.ts'
import { MAX_INFLATED_BYTES } from './wire.ts'

/** What one raw object takes; its first record it takes whatever that holds. */
export interface RawLimits {
  /** Weights of events and stubs together. */
  readonly maxWeight: number
  readonly maxEvents: number
}

/**
 * The first bounds memory, whatever a record holds. The second does it for events, however small they are: judging costs
 * memory per event, and what raw has decided no retry can make smaller.
 */
export const RAW_LIMITS: RawLimits = { maxWeight: 32 << 20, maxEvents: 50_000 }

/** A zstd block of four bytes may stand for 128 KiB. */
const MOST_INFLATION = 32_768

/** What unpacking an event or a record has cost, in UTF-16 units of its text. */
export function weightOf(event: RawEvent): number {
  return event.kind === 'event' ? event.text.length : weightOfStub(event.reason, event.lengthBytes)
}

/**
 * A record that would not end inflating counts whole: without that, a batch of small bombs would outlast every
 * invocation before the first of them is in raw, and block its shard for ever.
 */
export function weightOfStub(reason: string, lengthBytes: number): number {
  if (reason === 'undecodable.tooLarge') return MAX_INFLATED_BYTES
  if (reason !== 'undecodable.compression') return 0
  // It broke off somewhere: at most what so many bytes can inflate to.
  return Math.min(lengthBytes * MOST_INFLATION, MAX_INFLATED_BYTES)
}
