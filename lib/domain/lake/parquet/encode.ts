import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { type Column, type ColumnBatch, isNull } from '../../kernel/columns.ts'
import { PlatformError } from '../../kernel/errors.ts'
import type { TableField, TableSchema } from '../schema.ts'
import { type FileMetrics, measureColumn } from './metrics.ts'
import { columnKind, parquetElement } from './parquet-schema.ts'

/** Named so that Java readers can parse it; what they cannot parse they trust no statistics of. */
const CREATED_BY = 'weir version 1'

/** More rows than a batch ever has: one row group, so that the file is one unit of work for a reader. */
const ROWS_PER_GROUP = 2 ** 31 - 1

const compressors = {
  ZSTD: (bytes: Uint8Array) =>
    zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } }),
}

/**
 * The batch as one Parquet file and what Iceberg has to know of it. Equal batches give equal bytes.
 * Throws `lake.columnMismatch` if a column is not what the schema says, `lake.missingValue` for a null in a
 * required column.
 */
export function encodeParquet(
  schema: TableSchema,
  batch: ColumnBatch,
): { bytes: Uint8Array; metrics: FileMetrics } {
  const columns = schema.fields.map((field) => ({ field, column: columnOf(field, batch) }))
  const measured = columns.map(({ field, column }) => {
    const metrics = measureColumn(field, column, batch.rows)
    if (field.required && metrics.nulls > 0) {
      throw new PlatformError('lake.missingValue', `null in required column ${field.name}`, {
        context: { field: field.name, nulls: metrics.nulls },
      })
    }
    return { field, ...metrics }
  })

  const writer = new ByteWriter(1 << 16)
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'table', num_children: columns.length },
      ...schema.fields.map((field) => parquetElement(field)),
    ],
    codec: 'ZSTD',
    compressors,
    createdBy: CREATED_BY,
  })
  parquet.write({
    columnData: columns.map(({ field, column }) => ({
      name: field.name,
      data: valuesOf(column, batch.rows),
      ...(column.kind === 'boolean' && { encoding: 'PLAIN' as const }),
    })),
    rowGroupSize: ROWS_PER_GROUP,
  })
  parquet.finish()

  const chunks = parquet.row_groups[0]?.columns.map((chunk) => chunk.meta_data!) ?? []
  const byId = <Value>(values: readonly (Value | undefined)[]): Record<string, Value> =>
    Object.fromEntries(
      schema.fields.flatMap((field, at) =>
        values[at] === undefined ? [] : [[String(field.id), values[at]]],
      ),
    )
  const first = chunks[0]
  return {
    bytes: writer.getBytes().slice(),
    metrics: {
      recordCount: batch.rows,
      columnSizes: byId(chunks.map((chunk) => Number(chunk.total_compressed_size))),
      valueCounts: byId(columns.map(() => batch.rows)),
      nullCounts: byId(measured.map(({ nulls }) => nulls)),
      nanCounts: byId(
        measured.map(({ field, nans }) => (field.type === 'double' ? nans : undefined)),
      ),
      lowerBounds: byId(measured.map(({ lower }) => lower && base64(lower))),
      upperBounds: byId(measured.map(({ upper }) => upper && base64(upper))),
      splitOffsets: first ? [Number(first.dictionary_page_offset ?? first.data_page_offset)] : [],
    },
  }
}

function columnOf(field: TableField, batch: ColumnBatch): Column {
  const column = batch.columns.get(field.name)
  const length =
    column && (column.kind === 'utf8' ? column.offsets.length - 1 : column.values.length)
  if (column?.kind === columnKind(field.type) && length! >= batch.rows) return column
  throw new PlatformError(
    'lake.columnMismatch',
    `column ${field.name} (${field.type}) wants ${batch.rows} values of ${columnKind(field.type)}, found ${
      column ? `${length} of ${column.kind}` : 'no such column'
    }`,
  )
}

/** Typed arrays as they are where nothing is null; strings as bytes, which are never decoded on the way. */
function valuesOf(column: Column, rows: number) {
  if (column.kind === 'utf8') {
    return Array.from({ length: rows }, (_, row) =>
      isNull(column, row)
        ? null
        : column.bytes.subarray(column.offsets[row], column.offsets[row + 1]),
    )
  }
  if (column.kind === 'boolean') {
    return Array.from({ length: rows }, (_, row) =>
      isNull(column, row) ? null : column.values[row] === 1,
    )
  }
  const { values } = column
  if (column.nulls) {
    return Array.from({ length: rows }, (_, row) => (isNull(column, row) ? null : values[row]))
  }
  return values.length === rows ? values : values.subarray(0, rows)
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
