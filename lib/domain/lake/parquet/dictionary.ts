import { type DenseTexts, type DenseValues, type DenseWords, someOf } from './dense-values.ts'
import type { Extremes } from './extremes.ts'
import { bitWidth } from './hybrid-runs.ts'
import { TextWords } from './text-words.ts'

/** Values by their numbers among the different ones, in the order in which they come first. */
export interface Dictionary {
  /** Per value. */
  readonly indexes: Int32Array
  readonly entries: DenseWords | DenseTexts
}

/** Of the values, how many may differ: of more, a dictionary takes more time than it saves bytes. */
const MOST_DIFFERENT = 1 / 3
const SAMPLES = 2_048
const MOST_DICTIONARY_BYTES = 1 << 20
/** Of integers that are told apart by a table of all that lie between them. */
const LARGEST_RANGE = 1 << 20
/** Places of a table for each value it can hold. */
const ROOM = 2
/** Looks at a table for each value, after which somebody must have chosen values that collide. */
const MOST_LOOKS = 8
const LENGTH_BYTES = 4

/**
 * The dictionary of some values; undefined where it does not pay. `extremes` are of numbers, and let those that lie
 * closely together be found without a hash.
 */
export function dictionaryOf(values: DenseValues, extremes?: Extremes): Dictionary | undefined {
  if (values.kind === 'boolean' || values.count < 2) return undefined
  if (values.kind !== 'utf8') {
    const range = rangeOf(values, extremes)
    const isClose = range < Math.min(LARGEST_RANGE, Math.max(1 << 10, 8 * values.count))
    if (isClose) return closeNumbers(values, extremes!.least!, range)
  }
  if (values.kind === 'utf8' && areAllEqual(values)) {
    return dictionary(values, new Int32Array(values.count), new Int32Array(1))
  }
  if (values.count > 2 * SAMPLES && !hasRepeats(values)) return undefined
  const different = new DifferentValues(values, Math.ceil(MOST_DIFFERENT * values.count))
  return different.addAll() ? dictionary(values, different.indexes, different.firsts()) : undefined
}

/** Whether texts that stand side by side are one and the same. */
function areAllEqual({ bytes, starts, ends, count }: DenseTexts): boolean {
  const start = starts[0]!
  const length = ends[0]! - start
  for (let i = 1; i < count; i++) {
    if (starts[i] !== start + i * length || ends[i]! - starts[i]! !== length) return false
  }
  const end = ends[count - 1]!
  return (
    Buffer.compare(bytes.subarray(start, end - length), bytes.subarray(start + length, end)) === 0
  )
}

/** Greatest minus least; infinite for what are no integers. */
function rangeOf({ kind, words }: DenseWords, { least, greatest }: Extremes = { nans: 0 }): number {
  if (least === undefined || greatest === undefined || kind === 'float64') {
    return Number.POSITIVE_INFINITY
  }
  if (kind === 'int32') return words[greatest]! - words[least]!
  const high = words[2 * greatest + 1]! - words[2 * least + 1]!
  return high * 2 ** 32 + (words[2 * greatest]! >>> 0) - (words[2 * least]! >>> 0)
}

/** By a table with a place for every integer from the least to the greatest. */
function closeNumbers(values: DenseWords, least: number, range: number): Dictionary | undefined {
  const { words, count, kind } = values
  const step = kind === 'int32' ? 1 : 2
  const low = words[step * least]!
  const numbers = new Int32Array(range + 1)
  const indexes = new Int32Array(count)
  const most = Math.ceil(MOST_DIFFERENT * count)
  const firsts = new Int32Array(Math.min(range + 1, most))
  let different = 0
  for (let i = 0; i < count; i++) {
    const place = (words[step * i]! - low) >>> 0
    let number = numbers[place]!
    if (number === 0) {
      if (different === most) return undefined
      firsts[different] = i
      number = ++different
      numbers[place] = number
    }
    indexes[i] = number - 1
  }
  return dictionary(values, indexes, firsts.subarray(0, different))
}

/** Whether a sample has half of the repeats, at least, that one of the most different columns allowed would have. */
function hasRepeats(values: DenseWords | DenseTexts): boolean {
  const { count } = values
  const sample = new Int32Array(SAMPLES)
  for (let i = 0; i < SAMPLES; i++) {
    // Anywhere in its part of the column, so that values that come in turns are seen to.
    const part = i + (spread(spread(i)) >>> 0) / 2 ** 32
    sample[i] = Math.floor((part * count) / SAMPLES)
  }
  const different = new DifferentValues(someOf(values, sample), SAMPLES)
  different.addAll()
  const repeats = SAMPLES - different.firsts().length
  return repeats >= (SAMPLES * SAMPLES) / (4 * MOST_DIFFERENT * count)
}

function dictionary(
  values: DenseWords | DenseTexts,
  indexes: Int32Array,
  firsts: Int32Array,
): Dictionary | undefined {
  const entries = someOf(values, firsts)
  const indexBytes = (values.count * bitWidth(firsts.length)) / 8
  const pays = bytesOf(entries) + indexBytes < bytesOf(values)
  return pays ? { indexes, entries } : undefined
}

function bytesOf(values: DenseWords | DenseTexts): number {
  if (values.kind !== 'utf8') return values.words.length * 4
  let bytes = LENGTH_BYTES * values.count
  for (let i = 0; i < values.count; i++) bytes += values.ends[i]! - values.starts[i]!
  return bytes
}

/** The different ones of some values, found by hash. */
class DifferentValues {
  readonly indexes: Int32Array
  readonly #values: DenseWords | DenseTexts
  readonly #firsts: Int32Array
  /** The number of the value at a place, and one more; 0 at an empty one. */
  readonly #table: Int32Array
  #different = 0

  constructor(values: DenseWords | DenseTexts, most: number) {
    this.#values = values
    this.indexes = new Int32Array(values.count)
    this.#firsts = new Int32Array(most)
    this.#table = new Int32Array(2 ** (32 - Math.clz32(ROOM * most - 1)))
  }

  /** The first value of each kind. */
  firsts(): Int32Array {
    return this.#firsts.subarray(0, this.#different)
  }

  /** False, with some left out, where they are too many or too large. */
  addAll(): boolean {
    const values = this.#values
    if (values.kind === 'utf8') return this.#addTexts(values)
    return values.kind === 'int32' ? this.#addSingles(values) : this.#addPairs(values)
  }

  #addSingles({ words, count }: DenseWords): boolean {
    const [table, firsts, indexes] = [this.#table, this.#firsts, this.indexes]
    const mask = table.length - 1
    let looks = MOST_LOOKS * count
    for (let i = 0; i < count; i++) {
      const word = words[i]!
      let place = spread(word) & mask
      let number = table[place]!
      while (number !== 0 && words[firsts[number - 1]!] !== word) {
        if (--looks < 0) return false
        place = (place + 1) & mask
        number = table[place]!
      }
      if (number === 0) {
        number = this.#add(i, place)
        if (number === 0) return false
      }
      indexes[i] = number - 1
    }
    return true
  }

  #addPairs({ words, count }: DenseWords): boolean {
    const [table, firsts, indexes] = [this.#table, this.#firsts, this.indexes]
    const mask = table.length - 1
    let looks = MOST_LOOKS * count
    for (let i = 0; i < count; i++) {
      const [low, high] = [words[2 * i]!, words[2 * i + 1]!]
      let place = spread(low ^ Math.imul(high, 0x9e3779b1)) & mask
      let number = table[place]!
      while (number !== 0) {
        const first = 2 * firsts[number - 1]!
        if (words[first] === low && words[first + 1] === high) break
        if (--looks < 0) return false
        place = (place + 1) & mask
        number = table[place]!
      }
      if (number === 0) {
        number = this.#add(i, place)
        if (number === 0) return false
      }
      indexes[i] = number - 1
    }
    return true
  }

  #addTexts(values: DenseTexts): boolean {
    const [table, firsts, indexes] = [this.#table, this.#firsts, this.indexes]
    const mask = table.length - 1
    const words = new TextWords(values)
    let looks = MOST_LOOKS * values.count
    let bytes = 0
    for (let i = 0; i < values.count; i++) {
      // Equal texts often follow each other.
      if (i > 0 && words.areEqual(i - 1, i)) {
        indexes[i] = indexes[i - 1]!
        continue
      }
      let place = words.hash(i) & mask
      let number = table[place]!
      while (number !== 0 && !words.areEqual(firsts[number - 1]!, i)) {
        if (--looks < 0) return false
        place = (place + 1) & mask
        number = table[place]!
      }
      if (number === 0) {
        bytes += LENGTH_BYTES + values.ends[i]! - values.starts[i]!
        if (bytes > MOST_DICTIONARY_BYTES) return false
        number = this.#add(i, place)
        if (number === 0) return false
      }
      indexes[i] = number - 1
    }
    return true
  }

  /** The number of a new value, and one more; 0 if it is one too many. */
  #add(value: number, place: number): number {
    if (this.#different === this.#firsts.length) return 0
    this.#firsts[this.#different++] = value
    this.#table[place] = this.#different
    return this.#different
  }
}

/** Every bit of a number into the low ones. */
function spread(number: number): number {
  const mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  return mixed ^ (mixed >>> 13)
}
