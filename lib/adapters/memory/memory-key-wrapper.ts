import { createSecretKey, type KeyObject } from 'node:crypto'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { NONCE_BYTES, openBytes, sealBytes } from '#lib/domain/privacy/cipher.ts'
import type { KeyContext, KeyWrapper, RandomBytes } from '#lib/domain/privacy/key-table.ts'

const KEY_BYTES = 32

/** A key of KMS, in this process. */
export class MemoryKeyWrapper implements KeyWrapper {
  readonly #key: KeyObject
  readonly #random: RandomBytes

  constructor(random: RandomBytes) {
    this.#random = random
    this.#key = createSecretKey(random(KEY_BYTES))
  }

  async generate(context: KeyContext) {
    const plaintext = this.#random(KEY_BYTES)
    const nonce = this.#random(NONCE_BYTES)
    return { plaintext, wrapped: sealBytes(this.#key, nonce, plaintext, textOf(context)) }
  }

  async unwrap(wrapped: Uint8Array, context: KeyContext): Promise<Uint8Array> {
    const plaintext = openBytes(this.#key, wrapped, textOf(context))
    if (plaintext !== undefined) return plaintext
    throw new PlatformError('privacy.notWrapped', 'no key was wrapped so with this context')
  }
}

function textOf(context: KeyContext): string {
  return JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))
}
