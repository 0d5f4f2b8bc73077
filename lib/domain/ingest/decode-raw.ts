import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import type { VersionedDecoder, VersionedRecords } from './decoder/versioned-decoder.ts'
import type { RawBatch } from './raw-object.ts'

/** What raw holds of a batch, judged by the contracts in force at the version that it names. */
export function decodeRaw(
  decoder: VersionedDecoder,
  inForce: ContractsInForce,
  { shard, events, sealed }: RawBatch,
): VersionedRecords {
  const records = decoder.decodeEvents(inForce, events, { shard })
  if (sealed === undefined) return records
  const { unknownFields = {}, unknownVersions = {} } = sealed.drift
  return {
    ...records,
    unknownFields: new Map(Object.entries(unknownFields)),
    unknownVersions: new Map(Object.entries(unknownVersions)),
  }
}
