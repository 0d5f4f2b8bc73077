import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { NONCE_BYTES, openBytes, sealBytes } from './cipher.ts'
import type { KeyContext, KeyWrapper, RandomBytes } from './key-table.ts'

export interface UnknownContentDependencies {
  /** Of the cell's key for what nobody could decode. */
  readonly wrapper: Pick<KeyWrapper, 'generate'>
  readonly clock: Clock
  readonly random: RandomBytes
  readonly cell: string
  /**
   * For how long one data key is used.
   * @default 300
   */
  readonly cacheSeconds?: number
}

/** Seals under one data key. */
export type SealUnknown = (plaintext: Uint8Array, boundTo: string) => Buffer

/** In front of what {@link UnknownContent} sealed. */
export const UNKNOWN_CONTENT = 2
const LENGTH_BYTES = 2
const MS_PER_SECOND = 1000

/**
 * Seals what nobody knows the person of: undecodable bytes, rejected events, values beside an absent subject. Under data
 * keys of a KMS key of its own, each wrapped in front of what it sealed; who seals cannot open it again.
 */
export class UnknownContent {
  readonly #deps: UnknownContentDependencies
  #kept: { readonly key: KeyObject; readonly head: Buffer; readonly untilMs: number } | undefined

  constructor(deps: UnknownContentDependencies) {
    this.#deps = deps
  }

  /** Asks KMS for a data key, once per time limit. Throws, retryable, if it does not answer. */
  async sealer(): Promise<SealUnknown> {
    const { clock, random, wrapper, cell, cacheSeconds = 300 } = this.#deps
    let kept = this.#kept
    if (kept === undefined || kept.untilMs <= clock.nowMs()) {
      const { plaintext, wrapped } = await wrapper.generate(unknownContext(cell))
      const head = Buffer.alloc(1 + LENGTH_BYTES + wrapped.length)
      head.writeUInt8(UNKNOWN_CONTENT)
      head.writeUInt16BE(wrapped.length, 1)
      head.set(wrapped, 1 + LENGTH_BYTES)
      kept = {
        key: createSecretKey(plaintext),
        head,
        untilMs: clock.nowMs() + cacheSeconds * MS_PER_SECOND,
      }
      plaintext.fill(0)
      this.#kept = kept
    }
    const { key, head } = kept
    return (plaintext, boundTo) =>
      Buffer.concat([head, sealBytes(key, random(NONCE_BYTES), plaintext, boundTo)])
  }
}

/** Opens what {@link UnknownContent} sealed; undefined if it is none, or was sealed for another place. */
export async function openUnknown(
  wrapper: Pick<KeyWrapper, 'unwrap'>,
  cell: string,
  sealed: Uint8Array,
  boundTo: string,
): Promise<Buffer | undefined> {
  const view = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
  if (view.length < 1 + LENGTH_BYTES || view.readUInt8() !== UNKNOWN_CONTENT) return undefined
  const bodyAt = 1 + LENGTH_BYTES + view.readUInt16BE(1)
  if (view.length < bodyAt) return undefined
  const wrapped = view.subarray(1 + LENGTH_BYTES, bodyAt)
  const key = createSecretKey(await wrapper.unwrap(wrapped, unknownContext(cell)))
  return openBytes(key, view.subarray(bodyAt), boundTo)
}

function unknownContext(cell: string): KeyContext {
  return { cell, purpose: 'unknown-content' }
}
