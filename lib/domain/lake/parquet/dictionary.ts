import type { PlainValues } from './plain-values.ts'
import { sizeAt } from './plain-values.ts'

/** Each row's value by its number among the different ones, in the order in which they come first. */
export interface Dictionary {
  /** Per row; of rows without a value it means nothing. */
  readonly indexes: Int32Array
  /** A row that has the value, by its number. */
  readonly firstRows: readonly number[]
}

const SAMPLES = 1_000
/** Of the bytes of a sample, how many may belong to different values. */
const MOST_DIFFERENT = 0.9

/**
 * The dictionary of a column, if it makes the column half as large; undefined if not. Decided as hyparquet-writer
 * decides it: by a sample spread over the column first, then by all of it.
 */
export function dictionaryOf(
  values: PlainValues,
  nulls: Uint8Array | undefined,
  rows: number,
): Dictionary | undefined {
  if (values.kind === 'booleans' || !isWorthTrying(values, nulls, rows)) return undefined
  const lengthBytes = values.kind === 'texts' ? 4 : 0
  const different = new DifferentValues(values)
  const indexes = new Int32Array(rows)
  let count = 0
  let plainBytes = 0
  let last = -1
  for (let row = 0; row < rows; row++) {
    if (nulls !== undefined && nulls[row] === 1) continue
    count++
    plainBytes += sizeAt(values, row) + lengthBytes
    // Equal values often follow each other.
    const isSame = last >= 0 && different.areEqual(last, row)
    indexes[row] = isSame ? indexes[last]! : different.numberOf(row)
    last = row
  }
  const { firstRows } = different
  let dictionaryBytes = lengthBytes * firstRows.length
  for (const row of firstRows) dictionaryBytes += sizeAt(values, row)
  const indexBytes = Math.ceil((count * bitWidth(firstRows.length)) / 8)
  return 2 * (dictionaryBytes + indexBytes) > plainBytes ? undefined : { indexes, firstRows }
}

/** Bits that the numbers below a count take. */
export function bitWidth(count: number): number {
  return Math.ceil(Math.log2(count))
}

/** Whether the bytes of a sample are not nearly all of different values. A null is one more value, of no bytes. */
function isWorthTrying(
  values: Exclude<PlainValues, { kind: 'booleans' }>,
  nulls: Uint8Array | undefined,
  rows: number,
): boolean {
  const samples = Math.min(rows, SAMPLES)
  const lengthBytes = values.kind === 'texts' ? 4 : 0
  const different = new DifferentValues(values)
  /** Texts of one hash count as one here, each as long as the first of them. */
  const sizes = new Map<number, number>()
  let differentBytes = 0
  let bytes = 0
  for (let i = 0; i < samples; i++) {
    const row = samples === 1 ? 0 : Math.floor((i * (rows - 1)) / (samples - 1))
    if (nulls !== undefined && nulls[row] === 1) continue
    const key = values.kind === 'texts' ? different.hashOf(row) : different.numberOf(row)
    let size = sizes.get(key)
    if (size === undefined) {
      size = sizeAt(values, row) + lengthBytes
      sizes.set(key, size)
      differentBytes += size
    }
    bytes += size
  }
  return bytes > 0 && differentBytes / bytes <= MOST_DIFFERENT
}

/** The different values of a column, found by hash in a table of the rows that have them first. */
class DifferentValues {
  readonly firstRows: number[] = []
  readonly #values: Exclude<PlainValues, { kind: 'booleans' }>
  /** The number of the value at a place, and one more; 0 at an empty one. */
  #table = new Int32Array(1 << 8)

  constructor(values: Exclude<PlainValues, { kind: 'booleans' }>) {
    this.#values = values
  }

  numberOf(row: number): number {
    const table = this.#table
    const mask = table.length - 1
    for (let place = spread(this.hashOf(row)) & mask; ; place = (place + 1) & mask) {
      const number = table[place]! - 1
      if (number < 0) {
        table[place] = this.firstRows.push(row)
        if (2 * this.firstRows.length > table.length) this.#grow()
        return this.firstRows.length - 1
      }
      if (this.areEqual(this.firstRows[number]!, row)) return number
    }
  }

  areEqual(left: number, right: number): boolean {
    const values = this.#values
    if (values.kind === 'texts') return areEqualTexts(values, left, right)
    const { words, width } = values
    if (width === 1) return words[left] === words[right]
    return words[2 * left] === words[2 * right] && words[2 * left + 1] === words[2 * right + 1]
  }

  /** FNV-1a of a text, as an unsigned number. */
  hashOf(row: number): number {
    const values = this.#values
    if (values.kind === 'texts') return hashOfText(values, row)
    const { words, width } = values
    return width === 1 ? words[row]! : words[2 * row]! ^ Math.imul(words[2 * row + 1]!, 0x9e3779b1)
  }

  #grow(): void {
    const table = new Int32Array(2 * this.#table.length)
    const mask = table.length - 1
    for (const [number, row] of this.firstRows.entries()) {
      let place = spread(this.hashOf(row)) & mask
      while (table[place] !== 0) place = (place + 1) & mask
      table[place] = number + 1
    }
    this.#table = table
  }
}

/** Every bit of a hash into the low ones. */
function spread(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return mixed ^ (mixed >>> 13)
}

type Texts = Extract<PlainValues, { kind: 'texts' }>

function areEqualTexts({ bytes, offsets }: Texts, left: number, right: number): boolean {
  const start = offsets[left]!
  const end = offsets[left + 1]!
  const shift = offsets[right]! - start
  if (offsets[right + 1]! - shift !== end) return false
  for (let at = start; at < end; at++) if (bytes[at] !== bytes[at + shift]) return false
  return true
}

function hashOfText({ bytes, offsets }: Texts, row: number): number {
  let hash = 0x811c9dc5
  for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  }
  return hash >>> 0
}
