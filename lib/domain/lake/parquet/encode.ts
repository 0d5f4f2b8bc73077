import { constants, zstdCompressSync } from 'node:zlib'
import type { ColumnChunk } from 'hyparquet'
import { ByteWriter, ParquetWriter } from 'hyparquet-writer'
import {
  type Column,
  type ColumnBatch,
  isNull,
  type ListColumn,
  type StructColumn,
} from '../../kernel/columns.ts'
import { childrenOf, type IcebergType, type TableField, type TableSchema } from '../schema.ts'
import { writeFlatChunk } from './flat-chunk.ts'
import { type Leaf, measureLeaves } from './leaf-metrics.ts'
import type { FileMetrics } from './metrics.ts'
import { parquetElements } from './parquet-schema.ts'

/** Named so that Java readers can parse it; what they cannot parse they trust no statistics of. */
const CREATED_BY = 'weir version 1'

/** More rows than a batch ever has: one row group, so that the file is one unit of work for a reader. */
const ROWS_PER_GROUP = 2 ** 31 - 1

const compress = (bytes: Uint8Array) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })

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
  const fields = schema.fields.map((field) => {
    const column = batch.columns.get(field.name)
    return { field, column: column!, leaves: measureLeaves(field, column, rows) }
  })
  const leaves = fields.flatMap((one) => one.leaves)
  const writer = new ByteWriter(1 << 16)
  const parquet = new ParquetWriter({
    writer,
    schema: [
      { name: 'table', num_children: schema.fields.length },
      ...schema.fields.flatMap((field) => parquetElements(field)),
    ],
    codec: 'ZSTD',
    compressors: { ZSTD: compress },
    createdBy: CREATED_BY,
  })
  if (rows > 0) writeRows(parquet, fields, rows)
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

interface MeasuredField {
  readonly field: TableField
  readonly column: Column
  readonly leaves: readonly Leaf[]
}

/** All rows as one group, whatever their number, so that the file is one unit of work for a reader. */
function writeRows(parquet: ParquetWriter, fields: readonly MeasuredField[], rows: number): void {
  const { writer } = parquet
  const start = writer.offset
  const columns = fields.flatMap(({ field, column, leaves }) => {
    if (isNested(column)) return nestedChunks(parquet, field, column, rows)
    const [element] = parquetElements(field)
    const { extremes } = leaves[0]!
    const written = writeFlatChunk(writer, element!, column, rows, extremes!, compress)
    parquet.pendingIndexes.push(written)
    return [written.chunk]
  })
  const uncompressed = columns.map((chunk) => chunk.meta_data!.total_uncompressed_size)
  parquet.num_rows = BigInt(rows)
  parquet.row_groups.push({
    columns,
    total_byte_size: uncompressed.reduce((sum, size) => sum + size, 0n),
    num_rows: BigInt(rows),
    total_compressed_size: BigInt(writer.offset - start),
  })
}

function isNested(column: Column): column is StructColumn | ListColumn {
  return column.kind === 'struct' || column.kind === 'list'
}

/** The leaves of a column of columns, by way of a value for every row; the writer makes a group of its own of them. */
function nestedChunks(
  parquet: ParquetWriter,
  { name, type }: TableField,
  column: Column,
  rows: number,
): readonly ColumnChunk[] {
  const data = Array.from({ length: rows }, (_, row) => valueAt(column, row))
  // Booleans would be run-length encoded otherwise, which not every reader takes.
  const encoding = holdsBoolean(type) ? { encoding: 'PLAIN' as const } : {}
  parquet.write({ columnData: [{ name, data, ...encoding }], rowGroupSize: ROWS_PER_GROUP })
  return parquet.row_groups.pop()!.columns
}

function holdsBoolean(type: IcebergType): boolean {
  return type === 'boolean' || childrenOf(type).some((child) => holdsBoolean(child.type))
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
