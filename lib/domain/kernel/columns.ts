import { Utf8Builder } from './utf8-builder.ts'

/**
 * The unit of work is a batch of columns, not an object per event. A column is one typed array (strings:
 * bytes and offsets), `nulls[i] === 1` where row i has no value. 64-bit values stand in little-endian
 * two's complement, so that hot code may write them as two 32-bit halves of the same buffer.
 */
export type Column = FlatColumn | StructColumn | ListColumn

export type FlatColumn =
  | { readonly kind: 'int32'; readonly values: Int32Array; readonly nulls?: Uint8Array }
  /** Also timestamps (UTC micros) and decimals up to 18 digits (unscaled). */
  | { readonly kind: 'int64'; readonly values: BigInt64Array; readonly nulls?: Uint8Array }
  | { readonly kind: 'float64'; readonly values: Float64Array; readonly nulls?: Uint8Array }
  | { readonly kind: 'boolean'; readonly values: Uint8Array; readonly nulls?: Uint8Array }
  | {
      readonly kind: 'utf8'
      readonly bytes: Uint8Array
      /** rows + 1 offsets into `bytes`. */
      readonly offsets: Int32Array
      readonly nulls?: Uint8Array
    }

/** Columns of one length side by side. Where the row has no value, theirs mean nothing and are null. */
export interface StructColumn {
  readonly kind: 'struct'
  readonly rows: number
  readonly fields: ReadonlyMap<string, Column>
  readonly nulls?: Uint8Array
}

/** Row i holds the elements from `offsets[i]` to `offsets[i + 1]`; none where it has no value. */
export interface ListColumn {
  readonly kind: 'list'
  readonly offsets: Int32Array
  readonly elements: Column
  readonly nulls?: Uint8Array
}

export interface ColumnBatch {
  readonly rows: number
  /** By column name, in table order. */
  readonly columns: ReadonlyMap<string, Column>
}

const decoder = new TextDecoder('utf-8', { fatal: true })

export function isNull(column: Column, row: number): boolean {
  return column.nulls !== undefined && column.nulls[row] === 1
}

/** How many rows a column has room for. */
export function lengthOf(column: Column): number {
  switch (column.kind) {
    case 'struct':
      return column.rows
    case 'utf8':
    case 'list':
      return column.offsets.length - 1
    default:
      return column.values.length
  }
}

/** The string of a row. */
export function utf8At(column: Extract<Column, { kind: 'utf8' }>, row: number): string {
  return decoder.decode(column.bytes.subarray(column.offsets[row], column.offsets[row + 1]))
}

/** A string column from values; `null` is no value. */
export function utf8Column(values: readonly (string | null)[]): Extract<Column, { kind: 'utf8' }> {
  const builder = new Utf8Builder(values.length)
  for (const value of values) builder.add(value)
  return builder.finish()
}

/** The rows at these positions, in this order. */
export function takeRows(batch: ColumnBatch, rows: ArrayLike<number>): ColumnBatch {
  const columns = new Map<string, Column>()
  for (const [name, column] of batch.columns) columns.set(name, takeColumn(column, rows))
  return { rows: rows.length, columns }
}

function takeColumn(column: Column, rows: ArrayLike<number>): Column {
  const nulls = column.nulls && take(column.nulls, rows, new Uint8Array(rows.length))
  const withNulls = nulls?.includes(1) ? { nulls } : {}
  const { length } = rows
  switch (column.kind) {
    case 'int32':
      return {
        kind: 'int32',
        values: take(column.values, rows, new Int32Array(length)),
        ...withNulls,
      }
    case 'int64':
      return { kind: 'int64', values: takeLongs(column.values, rows), ...withNulls }
    case 'float64':
      return {
        kind: 'float64',
        values: take(column.values, rows, new Float64Array(length)),
        ...withNulls,
      }
    case 'boolean':
      return {
        kind: 'boolean',
        values: take(column.values, rows, new Uint8Array(length)),
        ...withNulls,
      }
    case 'utf8':
      return { kind: 'utf8', ...takeTexts(column, rows), ...withNulls }
    case 'struct': {
      const fields = [...column.fields].map(([name, field]): [string, Column] => [
        name,
        takeColumn(field, rows),
      ])
      return { kind: 'struct', rows: length, fields: new Map(fields), ...withNulls }
    }
    case 'list': {
      const offsets = offsetsOf(column.offsets, rows)
      const taken = new Int32Array(offsets[length]!)
      for (let i = 0; i < length; i++) {
        let from = column.offsets[rows[i]!]!
        for (let at = offsets[i]!; at < offsets[i + 1]!; at++) taken[at] = from++
      }
      return { kind: 'list', offsets, elements: takeColumn(column.elements, taken), ...withNulls }
    }
  }
}

function take<Values extends Int32Array | Float64Array | Uint8Array>(
  values: Values,
  rows: ArrayLike<number>,
  taken: Values,
): Values {
  for (let i = 0; i < rows.length; i++) taken[i] = values[rows[i]!]!
  return taken
}

/** As two halves each: a 64-bit value that is read whole is an object. */
function takeLongs(values: BigInt64Array, rows: ArrayLike<number>): BigInt64Array {
  const taken = new BigInt64Array(rows.length)
  const to = new Int32Array(taken.buffer)
  const from = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    to[2 * i] = from[2 * row]!
    to[2 * i + 1] = from[2 * row + 1]!
  }
  return taken
}

function takeTexts(
  column: Extract<Column, { kind: 'utf8' }>,
  rows: ArrayLike<number>,
): { readonly bytes: Uint8Array; readonly offsets: Int32Array } {
  const { bytes: source, offsets: starts } = column
  const offsets = offsetsOf(starts, rows)
  const bytes = new Uint8Array(offsets[rows.length]!)
  for (let i = 0; i < rows.length; i++) {
    let from = starts[rows[i]!]!
    for (let at = offsets[i]!; at < offsets[i + 1]!; at++) bytes[at] = source[from++]!
  }
  return { bytes, offsets }
}

function offsetsOf(offsets: Int32Array, rows: ArrayLike<number>): Int32Array {
  const taken = new Int32Array(rows.length + 1)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    taken[i + 1] = taken[i]! + offsets[row + 1]! - offsets[row]!
  }
  return taken
}
