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
const encoder = new TextEncoder()

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
  const parts = values.map((value) => (value === null ? undefined : encoder.encode(value)))
  const offsets = new Int32Array(values.length + 1)
  for (let row = 0; row < parts.length; row++) {
    offsets[row + 1] = offsets[row]! + (parts[row]?.length ?? 0)
  }
  const bytes = new Uint8Array(offsets[values.length]!)
  for (let row = 0; row < parts.length; row++) {
    const part = parts[row]
    if (part) bytes.set(part, offsets[row])
  }
  const nulls = values.some((value) => value === null)
    ? Uint8Array.from(values, (value) => (value === null ? 1 : 0))
    : undefined
  return nulls ? { kind: 'utf8', bytes, offsets, nulls } : { kind: 'utf8', bytes, offsets }
}

/** The rows at these positions, in this order. */
export function takeRows(batch: ColumnBatch, rows: readonly number[]): ColumnBatch {
  const columns = new Map<string, Column>()
  for (const [name, column] of batch.columns) columns.set(name, takeColumn(column, rows))
  return { rows: rows.length, columns }
}

function takeColumn(column: Column, rows: readonly number[]): Column {
  const nulls = column.nulls && Uint8Array.from(rows, (row) => column.nulls![row]!)
  const withNulls = nulls?.includes(1) ? { nulls } : {}
  switch (column.kind) {
    case 'int32':
      return {
        kind: 'int32',
        values: Int32Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'int64':
      return {
        kind: 'int64',
        values: BigInt64Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'float64':
      return {
        kind: 'float64',
        values: Float64Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'boolean':
      return {
        kind: 'boolean',
        values: Uint8Array.from(rows, (r) => column.values[r]!),
        ...withNulls,
      }
    case 'utf8': {
      const offsets = new Int32Array(rows.length + 1)
      rows.forEach((r, i) => {
        offsets[i + 1] = offsets[i]! + column.offsets[r + 1]! - column.offsets[r]!
      })
      const bytes = new Uint8Array(offsets[rows.length]!)
      rows.forEach((r, i) => {
        bytes.set(column.bytes.subarray(column.offsets[r], column.offsets[r + 1]), offsets[i])
      })
      return { kind: 'utf8', bytes, offsets, ...withNulls }
    }
    case 'struct': {
      const fields = [...column.fields].map(([name, field]): [string, Column] => [
        name,
        takeColumn(field, rows),
      ])
      return { kind: 'struct', rows: rows.length, fields: new Map(fields), ...withNulls }
    }
    case 'list': {
      const offsets = new Int32Array(rows.length + 1)
      const taken: number[] = []
      rows.forEach((r, i) => {
        for (let at = column.offsets[r]!; at < column.offsets[r + 1]!; at++) taken.push(at)
        offsets[i + 1] = taken.length
      })
      return { kind: 'list', offsets, elements: takeColumn(column.elements, taken), ...withNulls }
    }
  }
}
