import { constants, zstdCompressSync } from 'node:zlib'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import { type Column, type ColumnBatch, isNull } from '#lib/domain/kernel/columns.ts'
import type { FileMetrics } from '#lib/domain/lake/parquet/metrics.ts'
import { parquetElements } from '#lib/domain/lake/parquet/parquet-schema.ts'
import { childrenOf, type IcebergType, type TableSchema } from '#lib/domain/lake/schema.ts'
import { type Leaf, measureLeaves } from './parquet-metrics.ts'

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
  const { rows } = batch
  const leaves = schema.fields.flatMap((field) =>
    measureLeaves(field, batch.columns.get(field.name), rows),
  )
  const writer = new ByteWriter(1 << 16)
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'table', num_children: schema.fields.length },
      ...schema.fields.flatMap((field) => parquetElements(field)),
    ],
    codec: 'ZSTD',
    compressors,
    createdBy: CREATED_BY,
  })
  parquet.write({
    columnData: schema.fields.map(({ name, type }) => ({
      name,
      data: valuesOf(batch.columns.get(name)!, rows),
      // Booleans would be run-length encoded otherwise, which not every reader takes.
      ...(holdsBoolean(type) && { encoding: 'PLAIN' as const }),
    })),
    rowGroupSize: ROWS_PER_GROUP,
  })
  parquet.finish()

  const chunks = parquet.row_groups[0]?.columns.map((chunk) => chunk.meta_data!) ?? []
  const first = chunks[0]
  return {
    bytes: writer.getBytes().slice(),
    metrics: {
      recordCount: rows,
      columnSizes: byId(leaves, (_leaf, at) => {
        const chunk = chunks[at]
        return chunk && Number(chunk.total_compressed_size)
      }),
      valueCounts: byId(leaves, ({ metrics }) => metrics && rows),
      nullCounts: byId(leaves, ({ metrics }) => metrics?.nulls),
      nanCounts: byId(leaves, ({ type, metrics }) =>
        type === 'double' ? metrics?.nans : undefined,
      ),
      lowerBounds: byId(leaves, ({ metrics }) => metrics?.lower && base64(metrics.lower)),
      upperBounds: byId(leaves, ({ metrics }) => metrics?.upper && base64(metrics.upper)),
      splitOffsets: first ? [Number(first.dictionary_page_offset ?? first.data_page_offset)] : [],
    },
  }
}

function byId<Value>(
  leaves: readonly Leaf[],
  of: (leaf: Leaf, at: number) => Value | undefined,
): Record<string, Value> {
  return Object.fromEntries(
    leaves.flatMap((leaf, at) => {
      const value = of(leaf, at)
      return value === undefined ? [] : [[String(leaf.id), value]]
    }),
  )
}

function holdsBoolean(type: IcebergType): boolean {
  return type === 'boolean' || childrenOf(type).some((child) => holdsBoolean(child.type))
}

/** Typed arrays as they are where nothing is null; strings as bytes, which are never decoded on the way. */
function valuesOf(column: Column, rows: number) {
  const isPlain = 'values' in column && column.kind !== 'boolean' && column.nulls === undefined
  if (isPlain) {
    return column.values.length === rows ? column.values : column.values.subarray(0, rows)
  }
  return Array.from({ length: rows }, (_, row) => valueAt(column, row))
}

function valueAt(column: Column, row: number): unknown {
  if (isNull(column, row)) return null
  switch (column.kind) {
    case 'utf8':
      return column.bytes.subarray(column.offsets[row], column.offsets[row + 1])
    case 'boolean':
      return column.values[row] === 1
    case 'struct':
      // A field's name is one of the contract's: none that every object has.
      return Object.fromEntries(
        [...column.fields].map(([name, field]) => [name, valueAt(field, row)]),
      )
    case 'list': {
      const [start, end] = [column.offsets[row]!, column.offsets[row + 1]!]
      return Array.from({ length: end - start }, (_, i) => valueAt(column.elements, start + i))
    }
    default:
      return column.values[row]
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
