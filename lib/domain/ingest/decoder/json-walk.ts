import type { ByteMemory } from './byte-memory.ts'

/** What a walk returns instead of the place behind the value: all negative. */
export const BROKEN = -1
export const TOO_DEEP = -2

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Walks over JSON text in a {@link ByteMemory} by the letter of RFC 8259; builds nothing. */
export interface JsonWalk {
  /** Past space. */
  space(at: number): number
  /** From behind an opening quote to behind the closing one; the string is left in the memory. Or `BROKEN`. */
  string(at: number): number
  /** The same for a string that has an escape: what stands for it is in the memory until the next such string. */
  escapedString(start: number): number
  /** Past a value nested in `depth` others; `BROKEN`, or `TOO_DEEP` beyond `maxDepth`. */
  value(at: number, depth: number): number
  /** Unicode characters of a range of UTF-8. */
  characters(start: number, length: number): number
}

/** The walks over one memory. Each is linear in what it walks over. */
export function jsonWalk(memory: ByteMemory, maxDepth: number): JsonWalk {
  const { bytes, view } = memory

  function space(at: number): number {
    for (;;) {
      const c = bytes[at]!
      if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) return at
      at++
    }
  }

  /** To the first quote, backslash or control byte, four bytes at a time. */
  function stringEnd(at: number): number {
    for (;;) {
      const word = view.getInt32(at, true)
      const quote = word ^ 0x22222222
      const slash = word ^ 0x5c5c5c5c
      const found =
        (((quote - 0x01010101) & ~quote) |
          ((slash - 0x01010101) & ~slash) |
          ((word - 0x20202020) & ~word)) &
        0x80808080
      if (found !== 0) return at + ((31 - Math.clz32(found & -found)) >> 3)
      at += 4
    }
  }

  function string(start: number): number {
    const end = stringEnd(start)
    if (bytes[end] === QUOTE) {
      memory.stringStart = start
      memory.stringLength = end - start
      memory.isUnicode = true
      return end + 1
    }
    return bytes[end] === BACKSLASH ? escapedString(start) : BROKEN
  }

  function escapedString(start: number): number {
    const target = memory.unescapedAt
    let to = target
    let isUnicode = true
    for (let at = start; ; ) {
      const end = stringEnd(at)
      bytes.copyWithin(to, at, end)
      to += end - at
      at = end + 1
      const c = bytes[end]
      if (c === QUOTE) {
        memory.stringStart = target
        memory.stringLength = to - target
        memory.isUnicode = isUnicode
        return at
      }
      if (c !== BACKSLASH) return BROKEN
      const plain = UNESCAPED[bytes[at]!]!
      if (plain !== 0) {
        bytes[to++] = plain
        at++
        continue
      }
      if (bytes[at] !== 0x75) return BROKEN
      let unit = hexUnit(at + 1)
      if (unit < 0) return BROKEN
      at += 5
      if (unit >= 0xd800 && unit < 0xdc00 && bytes[at] === BACKSLASH && bytes[at + 1] === 0x75) {
        const low = hexUnit(at + 2)
        if (low >= 0xdc00 && low < 0xe000) {
          unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
          at += 6
        }
      }
      if (unit >= 0xd800 && unit < 0xe000) isUnicode = false
      to = putCharacter(to, unit)
    }
  }

  function hexUnit(at: number): number {
    let unit = 0
    for (let i = 0; i < 4; i++) unit = (unit << 4) | HEX[bytes[at + i]!]!
    return unit < 0 ? BROKEN : unit
  }

  function putCharacter(to: number, code: number): number {
    if (code < 0x80) {
      bytes[to] = code
      return to + 1
    }
    if (code < 0x800) {
      bytes[to] = 0xc0 | (code >> 6)
      bytes[to + 1] = 0x80 | (code & 63)
      return to + 2
    }
    if (code < 0x10000) {
      bytes[to] = 0xe0 | (code >> 12)
      bytes[to + 1] = 0x80 | ((code >> 6) & 63)
      bytes[to + 2] = 0x80 | (code & 63)
      return to + 3
    }
    bytes[to] = 0xf0 | (code >> 18)
    bytes[to + 1] = 0x80 | ((code >> 12) & 63)
    bytes[to + 2] = 0x80 | ((code >> 6) & 63)
    bytes[to + 3] = 0x80 | (code & 63)
    return to + 4
  }

  /** A string whose value nobody needs: its escapes are checked, not written. */
  function skipString(at: number): number {
    for (;;) {
      const end = stringEnd(at)
      const c = bytes[end]
      if (c === QUOTE) return end + 1
      if (c !== BACKSLASH) return BROKEN
      if (UNESCAPED[bytes[end + 1]!] !== 0) at = end + 2
      else if (bytes[end + 1] === 0x75 && hexUnit(end + 2) >= 0) at = end + 6
      else return BROKEN
    }
  }

  function value(at: number, depth: number): number {
    const c = bytes[at]!
    if (c === QUOTE) return skipString(at + 1)
    if (c === 0x7b || c === 0x5b) {
      return depth >= maxDepth ? TOO_DEEP : members(at, c === 0x7b, depth + 1)
    }
    if (c === 0x74 || c === 0x6e) {
      const word = view.getInt32(at, true)
      return word === TRUE || word === NULL ? at + 4 : BROKEN
    }
    if (c === 0x66) {
      return view.getInt32(at + 1, true) === ALSE ? at + 5 : BROKEN
    }
    return number(at)
  }

  function members(open: number, isObject: boolean, depth: number): number {
    const close = isObject ? 0x7d : 0x5d
    let at = space(open + 1)
    if (bytes[at] === close) return at + 1
    for (;;) {
      if (isObject) {
        if (bytes[at] !== QUOTE) return BROKEN
        at = skipString(at + 1)
        if (at < 0) return at
        at = space(at)
        if (bytes[at] !== 0x3a) return BROKEN
        at = space(at + 1)
      }
      at = value(at, depth)
      if (at < 0) return at
      at = space(at)
      if (bytes[at] === close) return at + 1
      if (bytes[at] !== 0x2c) return BROKEN
      at = space(at + 1)
    }
  }

  function digits(at: number): number {
    while ((bytes[at]! ^ 0x30) <= 9) at++
    return at
  }

  function number(at: number): number {
    if (bytes[at] === 0x2d) at++
    const whole = digits(at)
    if (whole === at || (bytes[at] === 0x30 && whole > at + 1)) return BROKEN
    at = whole
    if (bytes[at] === 0x2e) {
      const fraction = digits(at + 1)
      if (fraction === at + 1) return BROKEN
      at = fraction
    }
    if ((bytes[at]! | 0x20) === 0x65) {
      at++
      if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
      const exponent = digits(at)
      if (exponent === at) return BROKEN
      at = exponent
    }
    return at
  }

  function characters(start: number, length: number): number {
    let count = 0
    for (let at = start; at < start + length; at++) if ((bytes[at]! & 0xc0) !== 0x80) count++
    return count
  }

  return { space, string, escapedString, value, characters }
}

// As little-endian words.
const TRUE = 0x65757274
const NULL = 0x6c6c756e
const ALSE = 0x65736c61

/** What stands for a byte behind a backslash; 0 if nothing does. */
const UNESCAPED = new Uint8Array(256)
for (const [name, code] of Object.entries({
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 0x08,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
})) {
  UNESCAPED[name.charCodeAt(0)] = code
}

/** The value of a hexadecimal digit; negative if it is none. */
const HEX = new Int32Array(256).fill(-0x10000)
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = Number.parseInt(digit, 16)
