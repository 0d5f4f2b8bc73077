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
    message.setInt32(0, sourceBytes.length, true)
    copy(viewOf(sourceBytes), 0, message, LENGTH_BYTES, sourceBytes.length)
    copy(viewOf(idBytes), 0, message, idAt, idBytes.length)
    const identity = new Int32Array(IDENTITY_WORDS)
    chaskey.write(idAt + idBytes.length, identity, 0)
    return new Uint8Array(identity.buffer)
  }
  const ofRows = (source: Utf8Column, id: Utf8Column, rows: number): Uint8Array => {
    const identities = new Int32Array(IDENTITY_WORDS * rows)
    const messages = new RowMessages(source, id)
    for (let row = 0; row < rows; row++) {
      chaskey.write(messages.write(chaskey, row), identities, IDENTITY_WORDS * row)
    }
    return new Uint8Array(identities.buffer)
  }
  return Object.assign(ofText, { ofRows })
}

/** Writes what is hashed of rows. */
class RowMessages {
  readonly #source: Utf8Column
  readonly #id: Utf8Column
  readonly #sources: DataView
  readonly #ids: DataView

  constructor(source: Utf8Column, id: Utf8Column) {
    this.#source = source
    this.#id = id
    this.#sources = viewOf(source.bytes)
    this.#ids = viewOf(id.bytes)
  }

  /** Writes a row's message where the code is made from it; its length. */
  write(chaskey: Chaskey, row: number): number {
    const { offsets: sources } = this.#source
    const { offsets: ids } = this.#id
    const sourceLength = sources[row + 1]! - sources[row]!
    const idLength = ids[row + 1]! - ids[row]!
    const idAt = LENGTH_BYTES + sourceLength
    const message = chaskey.messageOf(idAt + idLength)
    message.setInt32(0, sourceLength, true)
    copy(this.#sources, sources[row]!, message, LENGTH_BYTES, sourceLength)
    copy(this.#ids, ids[row]!, message, idAt, idLength)
    return idAt + idLength
  }
}

/** Word by word: shorter than what a call that copies bytes has to prepare. */
function copy(from: DataView, start: number, to: DataView, at: number, length: number): void {
  let i = 0
  for (; i + 4 <= length; i += 4) to.setInt32(at + i, from.getInt32(start + i))
  for (; i < length; i++) to.setUint8(at + i, from.getUint8(start + i))
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
