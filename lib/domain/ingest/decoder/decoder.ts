import type { RawEvent } from '../raw-event.ts'
import type { RawLimits } from '../raw-limits.ts'
import type { DecodedRecords } from './decoded-records.ts'
import type { ReceivedEvents, RecordPlace } from './received-events.ts'

/** A record of the stream: its bytes as they came, or as the base64 of a Lambda event. */
export interface EncodedRecord extends RecordPlace {
  readonly data: Uint8Array | string
}

export interface BatchContext {
  readonly shard: string
}

export interface RecordsContext extends BatchContext {
  /** @default what a raw object takes */
  readonly limits?: RawLimits
}

/**
 * Decodes batches of one contract, one after another. What it returns lies in its memory and is valid until it is used
 * again, also after it threw.
 */
export interface Decoder {
  /** Records of one shard in stream order: the first ones, as many as the limits take, at least one. */
  decodeRecords(records: readonly EncodedRecord[], context: RecordsContext): DecodedRecords
  /** Events as raw has them: judges a batch that was decided before. */
  decodeEvents(events: readonly RawEvent[], context: BatchContext): DecodedRecords
  /** Some events that another decoder received, whose memory must stay as it is: line i of the answer is `lines[i]`. */
  decodeLines(
    received: ReceivedEvents,
    lines: readonly number[],
    context: BatchContext,
  ): DecodedRecords
}

export interface DecoderOptions {
  /**
   * Bytes of input to make room for at first; it grows as needed, which costs compiling the code again.
   * @default 1 MiB
   */
  readonly expectedBytes?: number
  /**
   * Whether this contract judges an event that declares such a CloudEvents `dataschema`: true for whatever is not one
   * of Weir's. What it does not judge is received, and listed as `elsewhere`.
   * @default it judges every event
   */
  readonly judges?: (dataschema: string) => boolean
}
