import type { Column } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { roomFor } from '#lib/domain/kernel/room-for.ts'

/** A row that has no key. */
export const NO_KEY = -1

/**
 * The keys of many batches as small numbers, in the order of first occurrence: the same key has the same code in all of
 * them. A key's text is made when somebody asks for it, and only once.
 */
export class KeyDictionary {
  readonly #scale: number
  readonly #texts: (string | undefined)[] = []
  #values: KeyValues | undefined

  /** @param scale digits behind the point, if the keys are decimals */
  constructor(scale = 0) {
    this.#scale = scale
  }

  /** How many different keys there are. */
  get count(): number {
    return this.#values?.count ?? 0
  }

  /** Per row; `NO_KEY` where there is none. Throws `view.invalid` for a nested column. */
  codesOf(column: Column, rows: number): Int32Array {
    this.#values ??= keyValues(column, this.#scale)
    const codes = new Int32Array(rows)
    this.#values.encode(column, codes)
    return codes
  }

  /** The key of a code as slots are filed under it: decimals with their scale, booleans as words. */
  text(code: number): string {
    this.#texts[code] ??= this.#values!.text(code)
    return this.#texts[code]
  }
}

/** The distinct values of columns of one kind. */
interface KeyValues {
  readonly count: number
  /** Fills in the code of each row. */
  encode(column: Column, codes: Int32Array): void
  text(code: number): string
}

function keyValues(column: Column, scale: number): KeyValues {
  switch (column.kind) {
    case 'utf8':
      return new TextKeys()
    case 'int64':
      return new LongKeys(scale)
    case 'int32':
    case 'float64':
      return new NumberKeys(String)
    case 'boolean':
      return new NumberKeys((value) => String(value === 1))
    default:
      throw new PlatformError('view.invalid', `a ${column.kind} cannot be a key`)
  }
}

class NumberKeys implements KeyValues {
  readonly #textOf: (value: number) => string
  readonly #codes = new Map<number, number>()
  readonly #distinct: number[] = []

  constructor(textOf: (value: number) => string) {
    this.#textOf = textOf
  }

  get count(): number {
    return this.#distinct.length
  }

  encode(column: Column, codes: Int32Array): void {
    const { values, nulls } = column as Extract<Column, { kind: 'int32' | 'float64' | 'boolean' }>
    for (let row = 0; row < codes.length; row++) {
      if (nulls !== undefined && nulls[row] === 1) {
        codes[row] = NO_KEY
        continue
      }
      const value = values[row]!
      let code = this.#codes.get(value)
      if (code === undefined) {
        code = this.#distinct.push(value) - 1
        this.#codes.set(value, code)
      }
      codes[row] = code
    }
  }

  text(code: number): string {
    return this.#textOf(this.#distinct[code]!)
  }
}

class LongKeys implements KeyValues {
  readonly #scale: number
  readonly #places = new CodePlaces()
  /** Low and high word of each code's value. */
  #halves = new Int32Array(128)

  constructor(scale: number) {
    this.#scale = scale
  }

  get count(): number {
    return this.#places.count
  }

  encode(column: Column, codes: Int32Array): void {
    const { values, nulls } = column as Extract<Column, { kind: 'int64' }>
    const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
    for (let row = 0; row < codes.length; row++) {
      codes[row] =
        nulls !== undefined && nulls[row] === 1
          ? NO_KEY
          : this.#codeOf(halves[2 * row]!, halves[2 * row + 1]!)
    }
  }

  #codeOf(low: number, high: number): number {
    const places = this.#places
    const hash = mixed(low, high)
    let at = places.first(hash)
    for (let code = places.codeAt(at); code !== -1; code = places.codeAt(at)) {
      if (this.#halves[2 * code] === low && this.#halves[2 * code + 1] === high) return code
      at = places.next(at)
    }
    const code = places.add(at, hash)
    this.#halves = roomFor(2 * places.count, this.#halves)
    this.#halves[2 * code] = low
    this.#halves[2 * code + 1] = high
    return code
  }

  text(code: number): string {
    const low = BigInt(this.#halves[2 * code]! >>> 0)
    const high = BigInt(this.#halves[2 * code + 1]!)
    return new Decimal((high << 32n) + low, this.#scale).toString()
  }
}

class TextKeys implements KeyValues {
  readonly #places = new CodePlaces()
  /** The bytes of all keys, one behind the other. */
  #bytes = Buffer.alloc(1 << 12)
  /** Where each key starts, and the next one would. */
  #starts = new Int32Array(128)

  get count(): number {
    return this.#places.count
  }

  encode(column: Column, codes: Int32Array): void {
    const { bytes, offsets, nulls } = column as Extract<Column, { kind: 'utf8' }>
    const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let row = 0; row < codes.length; row++) {
      codes[row] =
        nulls !== undefined && nulls[row] === 1
          ? NO_KEY
          : this.#codeOf(bytes, words, offsets[row]!, offsets[row + 1]!)
    }
  }

  #codeOf(bytes: Uint8Array, words: DataView, start: number, end: number): number {
    const places = this.#places
    let folded = 0
    let from = start
    for (; from + 4 <= end; from += 4) folded = folds(folded, words.getInt32(from, true))
    for (; from < end; from++) folded = folds(folded, bytes[from]!)
    const hash = mixed(folded, end - start)
    let at = places.first(hash)
    for (let code = places.codeAt(at); code !== -1; code = places.codeAt(at)) {
      if (places.hashOf(code) === hash && this.#isSame(code, bytes, start, end)) return code
      at = places.next(at)
    }
    return this.#add(places.add(at, hash), bytes, start, end)
  }

  #isSame(code: number, bytes: Uint8Array, start: number, end: number): boolean {
    const known = this.#bytes
    const first = this.#starts[code]!
    if (this.#starts[code + 1]! - first !== end - start) return false
    for (let i = 0; i < end - start; i++) if (known[first + i] !== bytes[start + i]) return false
    return true
  }

  #add(code: number, bytes: Uint8Array, start: number, end: number): number {
    const from = this.#starts[code]!
    const to = from + end - start
    while (to > this.#bytes.length) {
      const wider = Buffer.alloc(2 * this.#bytes.length)
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    for (let i = 0; i < end - start; i++) this.#bytes[from + i] = bytes[start + i]!
    this.#starts = roomFor(code + 2, this.#starts)
    this.#starts[code + 1] = to
    return code
  }

  text(code: number): string {
    return this.#bytes.toString('utf8', this.#starts[code], this.#starts[code + 1])
  }
}

/** A hash with one more word in it. */
function folds(hash: number, word: number): number {
  const folded = Math.imul(hash ^ word, 0x9e3779b1)
  return folded ^ (folded >>> 15)
}

function mixed(a: number, b: number): number {
  let hash = Math.imul(a ^ (b >>> 15), 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0xc2b2ae35)
  return hash ^ (hash >>> 15)
}

/** Where codes are found by their hashes: open addressing, a code at a place or −1. */
class CodePlaces {
  #places = new Int32Array(256).fill(-1)
  #hashes = new Int32Array(128)
  #count = 0

  get count(): number {
    return this.#count
  }

  first(hash: number): number {
    return hash & (this.#places.length - 1)
  }

  next(at: number): number {
    return (at + 1) & (this.#places.length - 1)
  }

  codeAt(at: number): number {
    return this.#places[at]!
  }

  hashOf(code: number): number {
    return this.#hashes[code]!
  }

  /** Gives the next code to what hashes to this, at the empty place where looking for it has ended. */
  add(at: number, hash: number): number {
    const code = this.#count++
    this.#hashes[code] = hash
    this.#places[at] = code
    // Half full at most: probes stay short whatever the keys are.
    if (2 * this.#count >= this.#places.length) this.#grow()
    return code
  }

  #grow(): void {
    const places = new Int32Array(2 * this.#places.length).fill(-1)
    this.#hashes = roomFor(places.length / 2, this.#hashes)
    for (let code = 0; code < this.#count; code++) {
      let at = this.#hashes[code]! & (places.length - 1)
      while (places[at] !== -1) at = (at + 1) & (places.length - 1)
      places[at] = code
    }
    this.#places = places
  }
}
