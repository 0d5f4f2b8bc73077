import type { SchemaElement } from 'hyparquet'
import type { FlatColumn } from '../../kernel/columns.ts'

/**
 * The values of a flat column as Parquet holds them, in memory that is looked at by row: numbers as little-endian words,
 * texts as bytes. Where a row has no value, its words mean nothing.
 */
export type PlainValues =
  /** One 32-bit word per row, or two: the low one first. */
  | { readonly kind: 'words'; readonly words: Int32Array; readonly width: 1 | 2 }
  | { readonly kind: 'texts'; readonly bytes: Uint8Array; readonly offsets: Int32Array }
  | { readonly kind: 'booleans'; readonly values: Uint8Array }

/** Throws `RangeError` for a decimal beyond the precision that its column states. */
export function plainValues(element: SchemaElement, column: FlatColumn, rows: number): PlainValues {
  switch (column.kind) {
    case 'utf8':
      return { kind: 'texts', bytes: column.bytes, offsets: column.offsets }
    case 'boolean':
      return { kind: 'booleans', values: column.values }
    case 'int32':
      return { kind: 'words', words: column.values.subarray(0, rows), width: 1 }
    default: {
      const { buffer, byteOffset } = column.values
      const words = new Int32Array(buffer, byteOffset, 2 * rows)
      if (element.type === 'INT32') return narrowed(words, column.nulls, rows)
      return { kind: 'words', words, width: 2 }
    }
  }
}

/** A decimal of up to nine digits lies in one word. */
function narrowed(words: Int32Array, nulls: Uint8Array | undefined, rows: number): PlainValues {
  const narrow = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    const low = words[2 * row]!
    if (words[2 * row + 1] !== low >> 31 && nulls?.[row] !== 1) {
      throw new RangeError('a decimal has more digits than its column')
    }
    narrow[row] = low
  }
  return { kind: 'words', words: narrow, width: 1 }
}

/** Bytes of a value in a page, without the length that a text has in front. */
export function sizeAt(values: PlainValues, row: number): number {
  switch (values.kind) {
    case 'words':
      return 4 * values.width
    case 'texts':
      return values.offsets[row + 1]! - values.offsets[row]!
    case 'booleans':
      return 1 / 8
  }
}

/** The values of some rows in Parquet's PLAIN encoding. Rows without a value must have been left out. */
export function plainBytes(values: PlainValues, rows: ArrayLike<number>): Uint8Array {
  switch (values.kind) {
    case 'words':
      return wordBytes(values, rows)
    case 'texts':
      return textBytes(values, rows)
    case 'booleans': {
      const bytes = new Uint8Array(Math.ceil(rows.length / 8))
      for (let i = 0; i < rows.length; i++) bytes[i >> 3]! |= values.values[rows[i]!]! << (i & 7)
      return bytes
    }
  }
}

function wordBytes(
  { words, width }: Extract<PlainValues, { kind: 'words' }>,
  rows: ArrayLike<number>,
): Uint8Array {
  const taken = new Int32Array(width * rows.length)
  if (width === 1) for (let i = 0; i < rows.length; i++) taken[i] = words[rows[i]!]!
  else {
    for (let i = 0; i < rows.length; i++) {
      taken[2 * i] = words[2 * rows[i]!]!
      taken[2 * i + 1] = words[2 * rows[i]! + 1]!
    }
  }
  return new Uint8Array(taken.buffer)
}

const LENGTH_BYTES = 4
/** Shorter texts are copied byte by byte: a call that copies them has more to prepare. */
const SHORT_TEXT_BYTES = 64

function textBytes(
  { bytes, offsets }: Extract<PlainValues, { kind: 'texts' }>,
  rows: ArrayLike<number>,
): Uint8Array {
  let size = LENGTH_BYTES * rows.length
  for (let i = 0; i < rows.length; i++) size += offsets[rows[i]! + 1]! - offsets[rows[i]!]!
  const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const taken = Buffer.allocUnsafeSlow(size)
  const view = new DataView(taken.buffer)
  let at = 0
  for (let i = 0; i < rows.length; i++) {
    const start = offsets[rows[i]!]!
    const end = offsets[rows[i]! + 1]!
    view.setInt32(at, end - start, true)
    at += LENGTH_BYTES
    if (end - start > SHORT_TEXT_BYTES) at += source.copy(taken, at, start, end)
    else for (let from = start; from < end; from++) taken[at++] = source[from]!
  }
  return taken
}
