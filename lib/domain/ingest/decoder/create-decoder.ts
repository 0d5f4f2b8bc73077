import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Decoder, DecoderOptions } from './decoder.ts'
import { fieldPlans } from './field-plan.ts'
import { GeneratedDecoder } from './generated-decoder.ts'
import { OracleDecoder } from './oracle-decoder.ts'

/**
 * The decoder of a contract, once per process: code generated for its fields reads records from bytes to columns.
 * Its verdicts, reasons and values are those of `unpackRecord` and `decode`, which take over whatever is unusual;
 * they decide alone where the process allows no code from strings, or the contract has a feature without code.
 */
export function createDecoder(contract: Contract, options: DecoderOptions = {}): Decoder {
  const plans = contract.changes === undefined ? fieldPlans(contract) : undefined
  if (plans === undefined) return new OracleDecoder(contract, options)
  try {
    return new GeneratedDecoder(contract, plans, options)
  } catch (error) {
    if (error instanceof EvalError) return new OracleDecoder(contract, options)
    throw error
  }
}
