import { isUtf8 } from 'node:buffer'
import { decimalOf, type PrimitiveType } from './schema.ts'

/** A value of a column as Iceberg compares it: 64-bit integers, times and unscaled decimals are bigint. */
export type ScalarValue = number | bigint | boolean | string

const encoder = new TextEncoder()

/** Iceberg's binary form of a single value (table spec, appendix D). */
export function singleValue(type: PrimitiveType, value: ScalarValue): Uint8Array {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value ? 1 : 0)
    case 'int':
    case 'date':
      return littleEndian(4, (view) => view.setInt32(0, value as number, true))
    case 'long':
    case 'timestamptz':
      return littleEndian(8, (view) => view.setBigInt64(0, value as bigint, true))
    case 'double':
      return littleEndian(8, (view) => view.setFloat64(0, value as number, true))
    case 'string':
      return encoder.encode(value as string)
    default:
      return twosComplement(value as bigint)
  }
}

function littleEndian(size: number, write: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size)
  write(new DataView(bytes.buffer))
  return bytes
}

/** Big-endian two's complement in as few bytes as hold it, or in exactly `size`. */
export function twosComplement(value: bigint, size?: number): Uint8Array {
  let length = size ?? 1
  while (BigInt.asIntN(8 * length, value) !== value) length++
  const bytes = new Uint8Array(length)
  let rest = value
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The integer that {@link twosComplement} wrote. */
export function fromTwosComplement(bytes: Uint8Array): bigint {
  let value = 0n
  for (const byte of bytes) value = (value << 8n) | BigInt(byte)
  return BigInt.asIntN(8 * bytes.length, value)
}

/** Bytes of the `fixed` that Iceberg stores a decimal of this type in. */
export function decimalSize(type: PrimitiveType): number {
  const precision = decimalOf(type)?.precision ?? 18
  return twosComplement(10n ** BigInt(precision) - 1n).length
}

/** Longest bound of a string column, in code points; Iceberg's own default. */
const BOUND_CODE_POINTS = 16

/** A lower bound of at most so many code points: a prefix sorts before all that starts with it. */
export function lowerStringBound(utf8: Uint8Array, longest = BOUND_CODE_POINTS): Uint8Array {
  return utf8.subarray(0, prefixEnd(utf8, longest))
}

/**
 * An upper bound of at most so many code points: the value itself, or its prefix with the last code point that has a
 * successor incremented. Undefined if no prefix sorts after the value, which means "no bound".
 */
export function upperStringBound(
  utf8: Uint8Array,
  longest = BOUND_CODE_POINTS,
): Uint8Array | undefined {
  const end = prefixEnd(utf8, longest)
  if (end === utf8.length) return utf8
  const prefix = utf8.subarray(0, end)
  // What is no UTF-8 has no code points to increment.
  if (!isUtf8(prefix)) return undefined
  const points = Array.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(prefix))
  for (let last = points.length - 1; last >= 0; last--) {
    const next = points[last]!.codePointAt(0)! + 1
    // Surrogates are no characters of UTF-8: the successor of U+D7FF is U+E000.
    const successor = next === 0xd800 ? 0xe000 : next
    if (successor > 0x10ffff) continue
    return encoder.encode(points.slice(0, last).join('') + String.fromCodePoint(successor))
  }
  return undefined
}

function prefixEnd(utf8: Uint8Array, longest: number): number {
  let points = 0
  for (let at = 0; at < utf8.length; at++) {
    if ((utf8[at]! & 0xc0) !== 0x80 && ++points > longest) return at
  }
  return utf8.length
}
