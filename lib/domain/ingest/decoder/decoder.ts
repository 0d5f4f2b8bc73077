import type { Contract } from '#lib/domain/contract/contract.ts'
import type { RawEvent } from '../raw-event.ts'
import type { EncodedRecord } from './batch-reader.ts'
import type { DecodedRecords } from './decoded-records.ts'
import { fieldPlans } from './field-plan.ts'
import { GeneratedDecoder } from './generated-decoder.ts'
import { OracleDecoder } from './oracle-decoder.ts'

export interface BatchContext {
  readonly shard: string
  /**
   * Inflated bytes to take; the first record is taken whatever it holds.
   * @default no limit
   */
  readonly maxBytes?: number
}

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

/**
 * The decoder of a contract, once per process: code generated for its fields reads records from bytes to columns.
 * Its verdicts, reasons and values are those of `unpackRecord` and `decode`, which take over whatever is unusual;
 * they decide alone where the process allows no code from strings, or the contract has a feature without code.
 */
export function createDecoder(contract: Contract, options: DecoderOptions = {}): Decoder {
  const plans = fieldPlans(contract)
  if (plans === undefined) return new OracleDecoder(contract, options)
  try {
    return new GeneratedDecoder(contract, plans, options)
  } catch (error) {
    if (error instanceof EvalError) return new OracleDecoder(contract, options)
    throw error
  }
}
