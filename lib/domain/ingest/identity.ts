import { createHmac } from 'node:crypto'

/**
 * The identity of an event: 16 bytes over length-prefixed source and id, keyed per cell, so that nobody can
 * craft two ids that collide and so make an event vanish.
 */
export type Identify = (source: string, id: string) => Uint8Array

/** HMAC-SHA-256, cut to 128 bits. `key`: 32 bytes, the same for ever in a cell. */
export function keyedIdentity(key: Uint8Array): Identify {
  const length = Buffer.alloc(4)
  return (source, id) => {
    length.writeUInt32LE(Buffer.byteLength(source))
    return createHmac('sha256', key)
      .update(length)
      .update(source)
      .update(id)
      .digest()
      .subarray(0, 16)
  }
}
