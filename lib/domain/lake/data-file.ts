import type { FileMetrics } from './parquet/metrics.ts'

/** A partition value as JSON can hold it: 64-bit integers, times and decimals (unscaled) as digits. */
export type PartitionValue = string | number | boolean | null

/**
 * What Iceberg has to know about a Parquet file, as plain JSON: it is written next to the file by whoever
 * made it, and read by the committer, perhaps much later. Keys of the maps are field ids.
 */
export interface DataFile extends FileMetrics {
  /** Absolute URI. */
  readonly path: string
  /** By partition field name; a name for each field of the spec. */
  readonly partition: Readonly<Record<string, PartitionValue>>
  readonly sizeBytes: number
  /** The table's sort order that the rows stand in. @default 0, which is none */
  readonly sortOrderId?: number
}

/** Describes an encoded file that stands, or will stand, at the path. */
export function dataFile(
  path: string,
  partition: Readonly<Record<string, PartitionValue>>,
  encoded: { readonly bytes: Uint8Array; readonly metrics: FileMetrics },
): DataFile {
  return { path, partition, sizeBytes: encoded.bytes.length, ...encoded.metrics }
}
