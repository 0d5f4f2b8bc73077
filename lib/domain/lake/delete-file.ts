import type { PartitionValue } from './data-file.ts'
import type { FileMetrics } from './parquet/metrics.ts'

/**
 * What Iceberg has to know about a file that deletes rows of data files, without rewriting them. It stands in the very
 * partition, of the very spec, of the data files that it deletes from.
 */
export interface DeleteFile extends FileMetrics {
  /** Absolute URI. */
  readonly path: string
  /** Rows by their data file and position, or all rows that have certain values. */
  readonly kind: 'positions' | 'equality'
  readonly specId: number
  /** By partition field name. */
  readonly partition: Readonly<Record<string, PartitionValue>>
  readonly sizeBytes: number
  /** The only data file that it deletes from, as far as that is one and the writer says so. */
  readonly dataFile?: string
  /** Of an equality delete: the columns whose values are compared. */
  readonly equalityIds?: readonly number[]
}

/** The columns of a position delete file: ids that Iceberg reserves (table spec, "Position Delete Files"). */
export const FILE_PATH_ID = 2_147_483_546
export const POSITION_ID = 2_147_483_545
