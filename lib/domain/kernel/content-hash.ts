import { createHash } from 'node:crypto'

/** The first 128 bits of SHA-256, in hex: part of the name of every derived object. */
export function contentHash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32)
}
