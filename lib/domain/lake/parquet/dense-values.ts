import type { FlatColumn } from '../../kernel/columns.ts'
import type { GrowingBytes } from './growing-bytes.ts'
import type { Positions } from './levels.ts'

/** The values of a column one after the other, without gaps, as Parquet holds them. Memory is shared where it can be. */
export type DenseValues = DenseWords | DenseTexts | DenseBooleans

/** Numbers as little-endian words of 32 bits: one for each, or two, the low one first. */
export interface DenseWords {
  readonly kind: 'int32' | 'int64' | 'float64'
  readonly count: number
  readonly words: Int32Array
}

/** Value i is `bytes` from `starts[i]` to `ends[i]`. */
export interface DenseTexts {
  readonly kind: 'utf8'
  readonly count: number
  readonly bytes: Uint8Array
  readonly starts: Int32Array
  readonly ends: Int32Array
}

export interface DenseBooleans {
  readonly kind: 'boolean'
  readonly count: number
  readonly values: Uint8Array
}

const LENGTH_BYTES = 4

/**
 * The values at these positions. `isNarrow` says that integers of 64 bits are stored as ones of 32: a decimal of up to
 * nine digits. Throws `RangeError` for one that has more.
 */
export function denseValues(
  column: FlatColumn,
  positions: Positions,
  isNarrow: boolean,
): DenseValues {
  const { first, count, at } = positions
  switch (column.kind) {
    case 'utf8': {
      const { bytes, offsets } = column
      if (at !== undefined) return textsAt(bytes, offsets, offsets.subarray(1), at)
      const starts = offsets.subarray(first, first + count)
      return {
        kind: 'utf8',
        count,
        bytes,
        starts,
        ends: offsets.subarray(first + 1, first + count + 1),
      }
    }
    case 'boolean': {
      const values = at?.length === count ? new Uint8Array(count) : undefined
      if (values === undefined) {
        return { kind: 'boolean', count, values: column.values.subarray(first, first + count) }
      }
      for (let i = 0; i < count; i++) values[i] = column.values[at![i]!]!
      return { kind: 'boolean', count, values }
    }
    case 'int32': {
      const { values } = column
      const words = at ? singlesAt(values, at) : values.subarray(first, first + count)
      return { kind: 'int32', count, words }
    }
    default: {
      const { buffer, byteOffset, length } = column.values
      const all = new Int32Array(buffer, byteOffset, 2 * length)
      const words = at ? pairsAt(all, at) : all.subarray(2 * first, 2 * (first + count))
      if (isNarrow) return { kind: 'int32', count, words: narrowed(words, count) }
      return { kind: column.kind, count, words }
    }
  }
}

/** Some of the values, by their numbers. */
export function someOf<Values extends DenseWords | DenseTexts>(
  values: Values,
  numbers: Int32Array,
): Values {
  const { length: count } = numbers
  if (values.kind === 'utf8') {
    return textsAt(values.bytes, values.starts, values.ends, numbers) as DenseTexts as Values
  }
  const { kind, words } = values
  const take = kind === 'int32' ? singlesAt : pairsAt
  return { kind, count, words: take(words, numbers) } as DenseWords as Values
}

/** Bytes of some values in Parquet's PLAIN encoding. */
export function plainSize(values: DenseValues, from: number, to: number): number {
  switch (values.kind) {
    case 'boolean':
      return Math.ceil((to - from) / 8)
    case 'utf8': {
      const { starts, ends } = values
      let size = LENGTH_BYTES * (to - from)
      for (let i = from; i < to; i++) size += ends[i]! - starts[i]!
      return size
    }
    default:
      return (values.kind === 'int32' ? 4 : 8) * (to - from)
  }
}

/** Appends some values in Parquet's PLAIN encoding. */
export function writePlain(out: GrowingBytes, values: DenseValues, from: number, to: number): void {
  const size = plainSize(values, from, to)
  out.reserve(size)
  switch (values.kind) {
    case 'boolean':
      writeBooleans(out, values.values, from, to)
      break
    case 'utf8':
      writeTexts(out, values, from, to)
      break
    default: {
      const { buffer, byteOffset } = values.words
      const width = values.kind === 'int32' ? 4 : 8
      out.array.set(new Uint8Array(buffer, byteOffset + width * from, size), out.length)
    }
  }
  out.length += size
}

function singlesAt(words: Int32Array, at: Int32Array): Int32Array {
  const taken = new Int32Array(at.length)
  for (let i = 0; i < at.length; i++) taken[i] = words[at[i]!]!
  return taken
}

function pairsAt(words: Int32Array, at: Int32Array): Int32Array {
  const taken = new Int32Array(2 * at.length)
  for (let i = 0; i < at.length; i++) {
    taken[2 * i] = words[2 * at[i]!]!
    taken[2 * i + 1] = words[2 * at[i]! + 1]!
  }
  return taken
}

function textsAt(
  bytes: Uint8Array,
  starts: Int32Array,
  ends: Int32Array,
  at: Int32Array,
): DenseTexts {
  return {
    kind: 'utf8',
    count: at.length,
    bytes,
    starts: singlesAt(starts, at),
    ends: singlesAt(ends, at),
  }
}

function narrowed(words: Int32Array, count: number): Int32Array {
  const narrow = new Int32Array(count)
  for (let i = 0; i < count; i++) {
    const low = words[2 * i]!
    if (words[2 * i + 1] !== low >> 31) {
      throw new RangeError('a decimal has more digits than its column')
    }
    narrow[i] = low
  }
  return narrow
}

function writeBooleans(out: GrowingBytes, values: Uint8Array, from: number, to: number): void {
  const { array, length } = out
  array.fill(0, length, length + Math.ceil((to - from) / 8))
  for (let i = 0; i < to - from; i++) array[length + (i >> 3)]! |= values[from + i]! << (i & 7)
}

/** Longer texts are copied by a call, which has more to prepare than a loop. */
const SHORT_TEXT_BYTES = 64

/** Room for all must have been reserved. */
function writeTexts(out: GrowingBytes, texts: DenseTexts, from: number, to: number): void {
  const { bytes, starts, ends } = texts
  const source = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const target = new DataView(out.array.buffer)
  let place = out.length
  for (let i = from; i < to; i++) {
    let at = starts[i]!
    const end = ends[i]!
    target.setInt32(place, end - at, true)
    place += LENGTH_BYTES
    if (end - at > SHORT_TEXT_BYTES) {
      out.array.set(bytes.subarray(at, end), place)
      place += end - at
      continue
    }
    for (; at + 4 <= end; at += 4, place += 4) {
      target.setInt32(place, source.getInt32(at, true), true)
    }
    for (; at < end; at++) target.setUint8(place++, source.getUint8(at))
  }
}
