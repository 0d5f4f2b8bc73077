import { PlatformError } from '../kernel/errors.ts'
import type { PartitionedFile } from './manifest-partition.ts'
import { type PartitionSpecJson, specJson, type TableMetadata } from './table-metadata.ts'

/**
 * The partition spec that a file was written by: the one that new files have, or else the newest one of just its
 * partition names. Throws `lake.partitionMismatch` if there is none.
 */
export function specOfFile(
  base: TableMetadata,
  { path, partition }: PartitionedFile,
): PartitionSpecJson {
  const fits = ({ fields }: PartitionSpecJson) =>
    fields.length === Object.keys(partition).length &&
    fields.every(({ name }) => partition[name] !== undefined)
  const own = specJson(base, base['default-spec-id'])
  const spec = fits(own) ? own : base['partition-specs'].findLast(fits)
  if (spec) return spec
  throw new PlatformError(
    'lake.partitionMismatch',
    `${path} has the partition ${JSON.stringify(partition)}, which no spec of the table has`,
  )
}
