import { createHash } from 'node:crypto'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { HalfSipHash, type HashKey } from '#lib/domain/kernel/half-sip-hash.ts'
import { doublesOf, NO_GROUP } from './grouped-rows.ts'

/** The distinct values of a column's rows that count, numbered in the order in which they first occur. */
export interface Dictionary {
  /** Per row the number of its value; means nothing for a row without group. */
  readonly numbers: Int32Array
  /** Per value the first row that has it. */
  readonly firstRows: Int32Array
}

/** Finds the rows of equal values without making an object of any. */
export function dictionaryOf(column: Column, groups: Int32Array): Dictionary {
  if (column.kind === 'int32' || column.kind === 'int64') {
    const numbers = column.kind === 'int32' ? column.values : doublesOf(column.values)
    const range = rangeOf(numbers, groups)
    if (range.size <= Math.max(1024, 4 * groups.length)) return byPlace(numbers, groups, range)
  }
  return byHash(column, groups)
}

/** Integers that lie near to each other have places of their own in a table. */
function byPlace(
  numbers: ArrayLike<number>,
  groups: Int32Array,
  range: { readonly least: number; readonly size: number },
): Dictionary {
  const table = new Int32Array(range.size).fill(FREE)
  const result = new Int32Array(groups.length)
  const firstRows: number[] = []
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP) continue
    const place = numbers[row]! - range.least
    if (table[place] === FREE) {
      table[place] = firstRows.length
      firstRows.push(row)
    }
    result[row] = table[place]!
  }
  return { numbers: result, firstRows: Int32Array.from(firstRows) }
}

/** How many integers there are from the least to the greatest; Infinity where doubles do not tell all of them apart. */
function rangeOf(numbers: ArrayLike<number>, groups: Int32Array) {
  let least = Infinity
  let greatest = -Infinity
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP) continue
    const number = numbers[row]!
    if (number < least) least = number
    if (number > greatest) greatest = number
  }
  if (least > greatest) return { least: 0, size: 0 }
  const isExact = Number.isSafeInteger(least) && Number.isSafeInteger(greatest)
  return { least, size: isExact ? greatest - least + 1 : Infinity }
}

/**
 * By a hash table. Events are anybody's: under a known hash somebody could send thousands of values that collide, and a
 * batch would take hours. So the key is a digest of the very values: to change one of them is to start over.
 */
function byHash(column: Column, groups: Int32Array): Dictionary {
  const { bytes, offsetOf } = bytesOf(column)
  const hash = new HalfSipHash(keyOf(bytes))
  const numbers = new Int32Array(groups.length)
  const firstRows: number[] = []
  const hashes: number[] = []
  // At most half full, so that a search ends soon.
  let table = new Int32Array(64).fill(FREE)
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP) continue
    const [start, end] = [offsetOf(row), offsetOf(row + 1)]
    hash.digest(bytes, start, end)
    let at = hash.first & (table.length - 1)
    let number = table[at]!
    while (number !== FREE) {
      if (hashes[number] === hash.first) {
        const first = firstRows[number]!
        if (isEqual(bytes, start, end, offsetOf(first), offsetOf(first + 1))) break
      }
      at = (at + 1) & (table.length - 1)
      number = table[at]!
    }
    if (number === FREE) {
      number = firstRows.length
      table[at] = number
      firstRows.push(row)
      hashes.push(hash.first)
      if (2 * firstRows.length > table.length) table = grown(table.length * 2, hashes)
    }
    numbers[row] = number
  }
  return { numbers, firstRows: Int32Array.from(firstRows) }
}

const FREE = -1

function grown(length: number, hashes: readonly number[]): Int32Array<ArrayBuffer> {
  const table = new Int32Array(length).fill(FREE)
  hashes.forEach((hash, number) => {
    let at = hash & (length - 1)
    while (table[at] !== FREE) at = (at + 1) & (length - 1)
    table[at] = number
  })
  return table
}

function keyOf(bytes: Uint8Array): HashKey {
  const digest = createHash('sha256').update(bytes).digest()
  return { low: digest.readInt32LE(0), high: digest.readInt32LE(4) }
}

function isEqual(
  bytes: Uint8Array,
  start: number,
  end: number,
  otherStart: number,
  otherEnd: number,
): boolean {
  if (end - start !== otherEnd - otherStart) return false
  for (let at = start, other = otherStart; at < end; at++, other++) {
    if (bytes[at] !== bytes[other]) return false
  }
  return true
}

/** A row's value as a stretch of bytes: equal bytes are equal values. */
function bytesOf(column: Column): {
  readonly bytes: Uint8Array
  readonly offsetOf: (row: number) => number
} {
  switch (column.kind) {
    case 'utf8': {
      const { bytes, offsets } = column
      return { bytes, offsetOf: (row) => offsets[row]! }
    }
    case 'float64':
      // Zeros of either sign are one value.
      return fixedWidth(column.values.map((value) => value + 0))
    case 'int32':
    case 'int64':
    case 'boolean':
      return fixedWidth(column.values)
    default:
      throw new PlatformError('view.invalid', `a ${column.kind} column has no single values`)
  }
}

function fixedWidth(values: Int32Array | BigInt64Array | Float64Array | Uint8Array) {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  const width = values.BYTES_PER_ELEMENT
  return { bytes, offsetOf: (row: number) => row * width }
}
