import type { RawEvent } from '../raw-event.ts'
import type { DecodedRecords } from './decoded-records.ts'
import type { RecordPlace } from './received-events.ts'

/** A record of the stream: its bytes as they came, or as the base64 of a Lambda event. */
export interface EncodedRecord extends RecordPlace {
  readonly data: Uint8Array | string
}

export interface BatchContext {
  readonly shard: string
  /**
   * Inflated bytes to take; the first record is taken whatever it holds.
   * @default 32 MiB
   */
  readonly maxBytes?: number
}

export const DEFAULT_MAX_BYTES = 32 << 20

/** Decodes batches of one contract. What it returns is valid until it is used again. */
export interface Decoder {
  /** Records of one shard in stream order, as bytes or as the base64 of a Lambda event. */
  decodeRecords(records: readonly EncodedRecord[], context: BatchContext): DecodedRecords
  /** Events as raw has them: judges a batch that was decided before. */
  decodeEvents(events: readonly RawEvent[], context: BatchContext): DecodedRecords
}

export interface DecoderOptions {
  /**
   * Bytes of input to make room for at first; it grows as needed, which costs compiling the code again.
   * @default 1 MiB
   */
  readonly expectedBytes?: number
  /**
   * Whether this contract judges an event that declares such a CloudEvents `dataschema`. What it does not judge is
   * received, and listed as `elsewhere`.
   * @default it judges every event
   */
  readonly judges?: (dataschema: string) => boolean
}
