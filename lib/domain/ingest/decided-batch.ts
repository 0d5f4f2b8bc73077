import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { VersionedRecords } from './decoder/versioned-decoder.ts'

/** A batch as raw has decided it. Its columns are valid until the decoder decodes the next one. */
export interface DecidedBatch {
  readonly shard: string
  readonly inForce: ContractsInForce
  readonly records: VersionedRecords
  readonly range: { readonly first: SequenceNumber; readonly last: SequenceNumber }
  /** Of its records, UTC micros. */
  readonly arrivals: Float64Array
}

export function decided(
  shard: string,
  inForce: ContractsInForce,
  records: VersionedRecords,
): DecidedBatch {
  const { sequences, arrivals } = records.received
  const { taken } = records
  const range = { first: sequences[0]!, last: sequences[taken - 1]! }
  return { shard, inForce, records, range, arrivals: arrivals.subarray(0, taken) }
}
