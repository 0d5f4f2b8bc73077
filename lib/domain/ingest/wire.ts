import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { RawEvent } from './raw-event.ts'

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

export declare function unpackRecord(record: StreamRecord, limits?: WireLimits): RawEvent[]
