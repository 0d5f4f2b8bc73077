import type { ColumnBatch } from '../../kernel/columns.ts'
import type { TableSchema } from '../schema.ts'
import { writeChunk } from './column-chunk.ts'
import { fileFooter, type RowGroup } from './file-footer.ts'
import { GrowingBytes } from './growing-bytes.ts'
import { leavesOf } from './leaves.ts'
import { type FileMetrics, fileMetrics } from './metrics.ts'
import { parquetElements } from './parquet-schema.ts'

/** As many as a batch of the archive ever has, and few enough that a filter skips much of a large file. */
const ROWS_PER_GROUP = 1 << 18
/** Bytes that a file is given at once, since to grow is to copy. What it does not use is never touched. */
const MOST_ROOM = 1 << 23
const MAGIC = Buffer.from('PAR1')

export interface EncodeOptions {
  /** @default 262,144 */
  readonly rowsPerGroup?: number
}

/**
 * The batch as one Parquet file and what Iceberg has to know of it. Equal batches give equal bytes. Beside the file
 * itself, memory is taken for a column of one row group at a time.
 * Throws `lake.columnMismatch` if a column is not what the schema says, `lake.missingValue` for a null in a
 * required column, and `RangeError` for a decimal beyond the precision that its column states.
 */
export function encodeParquet(
  schema: TableSchema,
  batch: ColumnBatch,
  { rowsPerGroup = ROWS_PER_GROUP }: EncodeOptions = {},
): { bytes: Uint8Array; metrics: FileMetrics } {
  const { rows } = batch
  const leaves = schema.fields.flatMap((field) =>
    leavesOf(field, batch.columns.get(field.name), rows),
  )
  const file = new GrowingBytes(Math.min(MOST_ROOM, Math.max(1 << 14, 2 * rows * leaves.length)))
  const page = new GrowingBytes(1 << 14)
  file.append(MAGIC)
  const groups: RowGroup[] = []
  for (let from = 0; from < rows; from += rowsPerGroup) {
    const to = Math.min(rows, from + rowsPerGroup)
    const chunks = leaves.map((leaf) => writeChunk(file, page, leaf, from, to))
    groups.push({ rows: to - from, chunks })
  }
  const elements = [
    { name: 'table', num_children: schema.fields.length },
    ...schema.fields.flatMap((field) => parquetElements(field)),
  ]
  const footer = fileFooter(elements, rows, groups)
  file.append(footer)
  file.int32(footer.length)
  file.append(MAGIC)
  return { bytes: file.written().slice(), metrics: fileMetrics(leaves, rows, groups) }
}
