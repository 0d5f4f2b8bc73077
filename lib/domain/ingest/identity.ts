import { createHmac } from 'node:crypto'
import { Chaskey } from '#lib/domain/kernel/chaskey.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'

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
/** An identity as 32-bit words. */
export const IDENTITY_WORDS = 4
const LENGTH_BYTES = 4

/**
 * Chaskey-12 under a key that is derived from the cell's. A SHA-256 per event would take longer than reading and
 * checking the event does. `key`: 32 bytes, the same for ever in a cell.
 */
export function keyedIdentity(key: Uint8Array): Identify {
  const derived = createHmac('sha256', key).update('weir event identity, Chaskey-12').digest()
  const chaskey = new Chaskey(derived.subarray(0, IDENTITY_BYTES))
  const ofText = (source: string, id: string): Uint8Array => {
    const [sourceBytes, idBytes] = [Buffer.from(source), Buffer.from(id)]
    const idAt = LENGTH_BYTES + sourceBytes.length
    const message = chaskey.messageOf(idAt + idBytes.length)
    writeLength(message, sourceBytes.length)
    message.set(sourceBytes, LENGTH_BYTES)
    message.set(idBytes, idAt)
    const identity = new Int32Array(IDENTITY_WORDS)
    chaskey.write(idAt + idBytes.length, identity, 0)
    return new Uint8Array(identity.buffer)
  }
  const ofRows = (source: Utf8Column, id: Utf8Column, rows: number): Uint8Array => {
    const identities = new Int32Array(IDENTITY_WORDS * rows)
    for (let row = 0; row < rows; row++) {
      const length = writeMessage(chaskey, source, id, row)
      chaskey.write(length, identities, IDENTITY_WORDS * row)
    }
    return new Uint8Array(identities.buffer)
  }
  return Object.assign(ofText, { ofRows })
}

/** What is hashed of a row; its length. */
function writeMessage(chaskey: Chaskey, source: Utf8Column, id: Utf8Column, row: number): number {
  const sourceStart = source.offsets[row]!
  const sourceLength = source.offsets[row + 1]! - sourceStart
  const idStart = id.offsets[row]!
  const idLength = id.offsets[row + 1]! - idStart
  const idAt = LENGTH_BYTES + sourceLength
  const message = chaskey.messageOf(idAt + idLength)
  writeLength(message, sourceLength)
  // Byte by byte: shorter than what a call that copies them has to prepare.
  for (let i = 0; i < sourceLength; i++) message[LENGTH_BYTES + i] = source.bytes[sourceStart + i]!
  for (let i = 0; i < idLength; i++) message[idAt + i] = id.bytes[idStart + i]!
  return idAt + idLength
}

function writeLength(message: Uint8Array, length: number): void {
  for (let i = 0; i < LENGTH_BYTES; i++) message[i] = length >>> (8 * i)
}
