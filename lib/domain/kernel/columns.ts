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

// A mark of the byte order is a character like others: it is part of the value.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

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

/** The times of a column as numbers. Micros fit a double from 1684 to 2255; reading halves makes no bigint per row. */
export function microsOf(column: Extract<Column, { kind: 'int64' }>): (row: number) => number {
  const { buffer, byteOffset, length } = column.values
  const halves = new Int32Array(buffer, byteOffset, 2 * length)
  return (row) => (halves[2 * row]! >>> 0) + halves[2 * row + 1]! * 2 ** 32
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

/** The same, each column when somebody asks for it: for those who need few of many. The batch must stay as it is. */
export function rowsTakenLate(batch: ColumnBatch, rows: ArrayLike<number>): ColumnBatch {
  return { rows: rows.length, columns: new LateColumns(batch.columns, rows) }
}

class LateColumns implements ReadonlyMap<string, Column> {
  readonly #source: ReadonlyMap<string, Column>
  readonly #rows: ArrayLike<number>
  readonly #taken = new Map<string, Column>()

  constructor(source: ReadonlyMap<string, Column>, rows: ArrayLike<number>) {
    this.#source = source
    this.#rows = rows
  }

  get size(): number {
    return this.#source.size
  }

  has(name: string): boolean {
    return this.#source.has(name)
  }

  get(name: string): Column | undefined {
    const known = this.#taken.get(name)
    if (known !== undefined) return known
    const column = this.#source.get(name)
    if (column === undefined) return undefined
    const taken = takeColumn(column, this.#rows)
    this.#taken.set(name, taken)
    return taken
  }

  keys(): MapIterator<string> {
    return this.#source.keys()
  }

  *entries(): MapIterator<[string, Column]> {
    for (const name of this.#source.keys()) yield [name, this.get(name)!]
  }

  *values(): MapIterator<Column> {
    for (const name of this.#source.keys()) yield this.get(name)!
  }

  [Symbol.iterator](): MapIterator<[string, Column]> {
    return this.entries()
  }

  forEach(
    call: (column: Column, name: string, columns: ReadonlyMap<string, Column>) => void,
  ): void {
    for (const [name, column] of this) call(column, name, this)
  }
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
  for (let i = 0; i < rows.length; ) {
    const row = rows[i]!
    const end = endOfRun(rows, i)
    if (end - i < SHORT_RUN) for (let at = i; at < end; at++) taken[at] = values[row + at - i]!
    else taken.set(values.subarray(row, row + end - i) as never, i)
    i = end
  }
  return taken
}

/** Up to so many rows it is quicker to copy them one by one than to call what copies many. */
const SHORT_RUN = 16

/** Where rows that follow one another, from a place on, stop doing so: mostly few are left out. */
function endOfRun(rows: ArrayLike<number>, start: number): number {
  let end = start + 1
  while (end < rows.length && rows[end] === rows[end - 1]! + 1) end++
  return end
}

/** As two halves each: a 64-bit value that is read whole is an object. */
function takeLongs(values: BigInt64Array, rows: ArrayLike<number>): BigInt64Array {
  const taken = new BigInt64Array(rows.length)
  const to = new Int32Array(taken.buffer)
  const from = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
  for (let i = 0; i < rows.length; ) {
    const row = rows[i]!
    const end = endOfRun(rows, i)
    if (end - i < SHORT_RUN) {
      for (let half = 0; half < 2 * (end - i); half++) to[2 * i + half] = from[2 * row + half]!
    } else taken.set(values.subarray(row, row + end - i), i)
    i = end
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
  for (let i = 0; i < rows.length; ) {
    const end = endOfRun(rows, i)
    const from = starts[rows[i]!]!
    const [at, length] = [offsets[i]!, offsets[end]! - offsets[i]!]
    if (length < 4 * SHORT_RUN) for (let k = 0; k < length; k++) bytes[at + k] = source[from + k]!
    else bytes.set(source.subarray(from, from + length), at)
    i = end
  }
  return { bytes, offsets }
}

function offsetsOf(offsets: Int32Array, rows: ArrayLike<number>): Int32Array {
  const taken = new Int32Array(rows.length + 1)
  for (let i = 0; i < rows.length; ) {
    const end = endOfRun(rows, i)
    const behind = rows[i]! - i
    const less = offsets[rows[i]!]! - taken[i]!
    for (; i < end; i++) taken[i + 1] = offsets[i + 1 + behind]! - less
  }
  return taken
}
