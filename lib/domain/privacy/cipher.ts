import { createCipheriv, createDecipheriv, type KeyObject } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
export const NONCE_BYTES = 12
const TAG_BYTES = 16

/** What sealing adds to a text, in bytes. */
export const CIPHER_OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES

/**
 * AES-256-GCM: nonce, ciphertext, tag. Keys are `KeyObject`s: handed over as bytes, each operation would prepare the key
 * again, at several times the price.
 */
export function sealBytes(
  key: KeyObject,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  boundTo: Uint8Array | string,
): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(typeof boundTo === 'string' ? Buffer.from(boundTo) : boundTo)
  const ciphertext = cipher.update(plaintext)
  cipher.final()
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()])
}

/** Undefined if it is not what was sealed with this key for this place. */
export function openBytes(
  key: KeyObject,
  sealed: Uint8Array,
  boundTo: Uint8Array | string,
): Buffer | undefined {
  if (sealed.length < CIPHER_OVERHEAD_BYTES) return undefined
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(typeof boundTo === 'string' ? Buffer.from(boundTo) : boundTo)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES))
  try {
    return Buffer.concat([plaintext, decipher.final()])
  } catch {
    // The one thing that makes it throw here: the tag does not fit.
    return undefined
  }
}
