import type { PrimitiveType } from '../schema.ts'
import { lowerStringBound, singleValue, upperStringBound } from '../single-value.ts'
import type { ValueRange } from './chunk-statistics.ts'
import type { WrittenChunk } from './column-chunk.ts'
import { type Comparable, precedes } from './extremes.ts'
import { offsetOf, type RowGroup } from './file-footer.ts'
import type { Leaf } from './leaves.ts'

/** Per column, by field id. Bounds are Iceberg's single-value binary form in base64. */
export interface FileMetrics {
  readonly recordCount: number
  /** Compressed bytes. */
  readonly columnSizes: Readonly<Record<string, number>>
  /** Nulls and NaNs included. */
  readonly valueCounts: Readonly<Record<string, number>>
  readonly nullCounts: Readonly<Record<string, number>>
  /** Floating-point columns only. */
  readonly nanCounts: Readonly<Record<string, number>>
  readonly lowerBounds: Readonly<Record<string, string>>
  readonly upperBounds: Readonly<Record<string, string>>
  /** Where row groups start. */
  readonly splitOffsets: readonly number[]
}

/**
 * What Iceberg is told of a file. Inside of a list there are sizes only: a row has any number of values there, and
 * nothing is concluded from them.
 */
export function fileMetrics(
  leaves: readonly Leaf[],
  rows: number,
  groups: readonly RowGroup[],
): FileMetrics {
  const columns = leaves.map((leaf, i) => ({
    leaf,
    chunks: groups.map(({ chunks }) => chunks[i]!),
  }))
  const flat = columns.flatMap(({ leaf, chunks }) =>
    leaf.levels.repetition > 0 ? [] : [{ leaf, range: rangeOf(chunks) }],
  )
  return {
    recordCount: rows,
    columnSizes: byId(columns, ({ chunks }) =>
      chunks.length === 0 ? undefined : sum(chunks.map((chunk) => chunk.compressedBytes)),
    ),
    valueCounts: byId(flat, () => rows),
    nullCounts: byId(flat, ({ range }) => range.nulls),
    nanCounts: byId(flat, ({ leaf, range }) => (leaf.type === 'double' ? range.nans : undefined)),
    lowerBounds: byId(flat, ({ leaf, range }) => bound(leaf.type, range.min, lowerStringBound)),
    upperBounds: byId(flat, ({ leaf, range }) => bound(leaf.type, range.max, upperStringBound)),
    splitOffsets: groups.map(offsetOf),
  }
}

function byId<Of extends { readonly leaf: Leaf }, Value>(
  columns: readonly Of[],
  of: (column: Of) => Value | undefined,
): Record<string, Value> {
  return Object.fromEntries(
    columns.flatMap((column) => {
      const value = of(column)
      return value === undefined ? [] : [[String(column.leaf.id), value]]
    }),
  )
}

/** Of all row groups together. */
function rangeOf(chunks: readonly WrittenChunk[]): ValueRange {
  const ranges = chunks.map(({ range }) => range)
  const mins = ranges.flatMap(({ min }) => (min === undefined ? [] : [min]))
  const maxs = ranges.flatMap(({ max }) => (max === undefined ? [] : [max]))
  const counts = {
    nulls: sum(ranges.map(({ nulls }) => nulls)),
    nans: sum(ranges.map(({ nans }) => nans)),
  }
  if (mins.length === 0) return counts
  return {
    ...counts,
    min: mins.reduce((least, value) => (precedes(value, least) ? value : least)),
    max: maxs.reduce((greatest, value) => (precedes(greatest, value) ? value : greatest)),
  }
}

function bound(
  type: PrimitiveType,
  value: Comparable | undefined,
  ofText: (utf8: Uint8Array) => Uint8Array | undefined,
): string | undefined {
  if (value === undefined) return undefined
  const bytes = value instanceof Uint8Array ? ofText(value) : singleValue(type, scalar(type, value))
  return bytes && Buffer.from(bytes).toString('base64')
}

/** A small decimal is stored as a number, and is a bigint to Iceberg. */
function scalar(type: PrimitiveType, value: number | bigint | boolean): number | bigint | boolean {
  return type.startsWith('decimal') && typeof value === 'number' ? BigInt(value) : value
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
