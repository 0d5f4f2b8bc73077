import type { DenseTexts, DenseValues } from './dense-values.ts'
import { TextWords } from './text-words.ts'

/** The numbers of the least and the greatest of some values; none where no two can be compared. */
export interface Extremes {
  readonly nans: number
  readonly least?: number
  readonly greatest?: number
}

/** Looks once at every value. NaNs are counted, and have no place in the order. */
export function extremesOf(values: DenseValues): Extremes {
  if (values.count === 0) return { nans: 0 }
  switch (values.kind) {
    case 'int32':
      return extremesOfNumbers(values.words, values.count)
    case 'boolean':
      return extremesOfNumbers(values.values, values.count)
    case 'int64':
      return extremesOfLongs(values.words, values.count)
    case 'float64': {
      const { buffer, byteOffset } = values.words
      return extremesOfDoubles(new Float64Array(buffer, byteOffset, values.count), values.count)
    }
    case 'utf8':
      return extremesOfTexts(values)
  }
}

/** A value as it is compared: a text as its bytes. */
export type Comparable = number | bigint | boolean | Uint8Array

export function valueAt(values: DenseValues, number: number): Comparable {
  switch (values.kind) {
    case 'int32':
      return values.words[number]!
    case 'boolean':
      return values.values[number] === 1
    case 'utf8':
      return values.bytes.subarray(values.starts[number], values.ends[number])
    default: {
      const { buffer, byteOffset } = values.words
      const view = new DataView(buffer, byteOffset + 8 * number, 8)
      return values.kind === 'int64' ? view.getBigInt64(0, true) : view.getFloat64(0, true)
    }
  }
}

/** Whether a value comes before another of the same column. */
export function precedes(left: Comparable, right: Comparable): boolean {
  if (left instanceof Uint8Array) return Buffer.compare(left, right as Uint8Array) < 0
  return left < right
}

function extremesOfNumbers(numbers: Int32Array | Uint8Array, count: number): Extremes {
  let [least, greatest] = [0, 0]
  let min = numbers[0]!
  let max = min
  for (let i = 1; i < count; i++) {
    const value = numbers[i]!
    if (value < min) {
      min = value
      least = i
    } else if (value > max) {
      max = value
      greatest = i
    }
  }
  return { nans: 0, least, greatest }
}

/** By their halves: a 64-bit value that is read whole is an object. */
function extremesOfLongs(words: Int32Array, count: number): Extremes {
  let [least, greatest] = [0, 0]
  let [minLow, minHigh] = [words[0]! >>> 0, words[1]!]
  let [maxLow, maxHigh] = [minLow, minHigh]
  for (let i = 1; i < count; i++) {
    const high = words[2 * i + 1]!
    const low = words[2 * i]! >>> 0
    if (high < minHigh || (high === minHigh && low < minLow)) {
      minHigh = high
      minLow = low
      least = i
    } else if (high > maxHigh || (high === maxHigh && low > maxLow)) {
      maxHigh = high
      maxLow = low
      greatest = i
    }
  }
  return { nans: 0, least, greatest }
}

function extremesOfDoubles(doubles: Float64Array, count: number): Extremes {
  let nans = 0
  let [least, greatest] = [-1, -1]
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let i = 0; i < count; i++) {
    const value = doubles[i]!
    if (Number.isNaN(value)) {
      nans++
      continue
    }
    if (least < 0 || value < min) {
      min = value
      least = i
    }
    if (greatest < 0 || value > max) {
      max = value
      greatest = i
    }
  }
  return least < 0 ? { nans } : { nans, least, greatest }
}

/** Most are told apart by their first bytes. */
function extremesOfTexts(texts: DenseTexts): Extremes {
  const words = new TextWords(texts)
  let [least, greatest] = [0, 0]
  let min = words.prefix(0)
  let max = min
  for (let i = 1; i < texts.count; i++) {
    const prefix = words.prefix(i)
    if (prefix < min || (prefix === min && words.compare(i, least) < 0)) {
      min = prefix
      least = i
    } else if (prefix > max || (prefix === max && words.compare(greatest, i) < 0)) {
      max = prefix
      greatest = i
    }
  }
  return { nans: 0, least, greatest }
}
