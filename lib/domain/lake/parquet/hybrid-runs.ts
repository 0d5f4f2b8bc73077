import type { GrowingBytes } from './growing-bytes.ts'

/** Equal numbers from which on they are a run of their own. A shorter one costs more headers than it saves. */
const SHORTEST_RUN = 32
const GROUP = 8

/** Bits that each number below a count takes: at least one, since not every reader takes none. */
export function bitWidth(count: number): number {
  return count <= 2 ? 1 : 32 - Math.clz32(count - 1)
}

/**
 * Appends some numbers in Parquet's RLE/bit-packing hybrid: runs of equal ones, all else packed in groups of eight.
 * Numbers have at most `width` bits, which are at most 24.
 */
export function writeHybrid(
  out: GrowingBytes,
  numbers: Int32Array,
  from: number,
  to: number,
  width: number,
): void {
  let unwritten = from
  let at = from
  while (at + GROUP <= to) {
    const end = runEnd(numbers, at, to)
    if (end - at < SHORTEST_RUN) {
      at += GROUP
      continue
    }
    if (at > unwritten) pack(out, numbers, unwritten, at, width)
    writeRun(out, numbers[at]!, end - at, width)
    at = end
    unwritten = end
  }
  if (unwritten < to) pack(out, numbers, unwritten, to, width)
}

/** Appends a run of one number. */
export function writeRun(out: GrowingBytes, value: number, length: number, width: number): void {
  out.varint(2 * length)
  for (let shift = 0; shift < width; shift += 8) out.byte((value >>> shift) & 0xff)
}

function runEnd(numbers: Int32Array, at: number, to: number): number {
  const value = numbers[at]
  let end = at + 1
  while (end < to && numbers[end] === value) end++
  return end
}

function pack(
  out: GrowingBytes,
  numbers: Int32Array,
  from: number,
  to: number,
  width: number,
): void {
  const groups = Math.ceil((to - from) / GROUP)
  out.varint(2 * groups + 1)
  const size = groups * width
  out.reserve(size)
  const { array, length } = out
  if (width === 1) packBits(array, length, numbers, from, to)
  else if (width <= 16) packNarrow(array, length, numbers, from, to, width)
  else packWide(array, length, numbers, from, to, width)
  out.length = length + size
}

function packBits(
  array: Uint8Array,
  start: number,
  numbers: Int32Array,
  from: number,
  to: number,
): void {
  let place = start
  let at = from
  for (; at + GROUP <= to; at += GROUP) {
    array[place++] =
      numbers[at]! |
      (numbers[at + 1]! << 1) |
      (numbers[at + 2]! << 2) |
      (numbers[at + 3]! << 3) |
      (numbers[at + 4]! << 4) |
      (numbers[at + 5]! << 5) |
      (numbers[at + 6]! << 6) |
      (numbers[at + 7]! << 7)
  }
  if (at === to) return
  let last = 0
  for (let i = at; i < to; i++) last |= numbers[i]! << (i - at)
  array[place] = last
}

/** Up to 16 bits a number: two bytes are due at once. */
function packNarrow(
  array: Uint8Array,
  start: number,
  numbers: Int32Array,
  from: number,
  to: number,
  width: number,
): void {
  let place = start
  let pending = 0
  let bits = 0
  for (let at = from; at < to; at++) {
    pending |= numbers[at]! << bits
    bits += width
    if (bits >= 16) {
      array[place] = pending
      array[place + 1] = pending >>> 8
      place += 2
      pending >>>= 16
      bits -= 16
    }
  }
  finishPacking(array, place, pending, start + Math.ceil((to - from) / GROUP) * width)
}

function packWide(
  array: Uint8Array,
  start: number,
  numbers: Int32Array,
  from: number,
  to: number,
  width: number,
): void {
  let place = start
  let pending = 0
  let bits = 0
  for (let at = from; at < to; at++) {
    pending |= numbers[at]! << bits
    bits += width
    while (bits >= 8) {
      array[place++] = pending
      pending >>>= 8
      bits -= 8
    }
  }
  finishPacking(array, place, pending, start + Math.ceil((to - from) / GROUP) * width)
}

/** The last bits, and zeros up to the end of the group. */
function finishPacking(array: Uint8Array, place: number, pending: number, end: number): void {
  let rest = pending
  for (let at = place; at < end; at++) {
    array[at] = rest
    rest >>>= 8
  }
}
