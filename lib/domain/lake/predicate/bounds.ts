import type { PrimitiveType } from '../schema.ts'
import { fromTwosComplement } from '../single-value.ts'
import type { Comparable } from './compare-scalars.ts'

/**
 * A bound in Iceberg's binary form, as bytes or their base64; of a column that was widened since in as few bytes as it had.
 */
export function boundOf(type: PrimitiveType, stored: Uint8Array | string): Comparable {
  const bytes = typeof stored === 'string' ? Buffer.from(stored, 'base64') : Buffer.from(stored)
  switch (type) {
    case 'boolean':
      return bytes[0] === 1
    case 'int':
    case 'date':
      return bytes.readInt32LE()
    case 'long':
    case 'timestamptz':
      return bytes.length === 4 ? BigInt(bytes.readInt32LE()) : bytes.readBigInt64LE()
    case 'double':
      return bytes.length === 4 ? bytes.readFloatLE() : bytes.readDoubleLE()
    case 'string':
      return bytes
    default:
      return fromTwosComplement(bytes)
  }
}
