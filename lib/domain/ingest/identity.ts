import { createHmac } from 'node:crypto'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { HmacSha256 } from '#lib/domain/kernel/hmac-sha256.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/**
 * The identity of an event: 16 bytes over length-prefixed source and id, keyed per cell, so that nobody can
 * craft two ids that collide and so make an event vanish.
 */
export interface Identify {
  (source: string, id: string): Uint8Array
  /** The same of the first so many rows, one behind the other. */
  ofRows(source: Utf8Column, id: Utf8Column, rows: number): Uint8Array
}

export const IDENTITY_BYTES = 16
const LENGTH_BYTES = 4

/** HMAC-SHA-256, cut to 128 bits. `key`: 32 bytes, the same for ever in a cell. */
export function keyedIdentity(key: Uint8Array): Identify {
  const length = Buffer.alloc(LENGTH_BYTES)
  const ofText = (source: string, id: string): Uint8Array => {
    length.writeUInt32LE(Buffer.byteLength(source))
    const hmac = createHmac('sha256', key).update(length).update(source).update(id)
    return hmac.digest().subarray(0, IDENTITY_BYTES)
  }
  const hmac = new HmacSha256(key)
  const ofRows = (source: Utf8Column, id: Utf8Column, rows: number): Uint8Array => {
    const identities = new Uint8Array(IDENTITY_BYTES * rows)
    const output = new DataView(identities.buffer)
    for (let row = 0; row < rows; row++) {
      const length = writeMessage(hmac, source, id, row)
      hmac.write128(length, output, IDENTITY_BYTES * row)
    }
    return identities
  }
  return Object.assign(ofText, { ofRows })
}

/** What is hashed of a row, as the hash wants it; its length. */
function writeMessage(hmac: HmacSha256, source: Utf8Column, id: Utf8Column, row: number): number {
  const sourceStart = source.offsets[row]!
  const sourceLength = source.offsets[row + 1]! - sourceStart
  const idStart = id.offsets[row]!
  const idLength = id.offsets[row + 1]! - idStart
  const idAt = LENGTH_BYTES + sourceLength
  const message = hmac.messageOf(idAt + idLength)
  for (let i = 0; i < LENGTH_BYTES; i++) message[i] = sourceLength >>> (8 * i)
  // Byte by byte: shorter than what a call that copies them has to prepare.
  for (let i = 0; i < sourceLength; i++) message[LENGTH_BYTES + i] = source.bytes[sourceStart + i]!
  for (let i = 0; i < idLength; i++) message[idAt + i] = id.bytes[idStart + i]!
  return idAt + idLength
}
