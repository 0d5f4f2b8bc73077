import type { KeyObject } from 'node:crypto'
import type { Place } from '#lib/domain/ingest/raw-event.ts'
import { openBytes, sealBytes } from './cipher.ts'

/** The attribute of an event that holds what was sealed of its group: of the last event of the group. */
export const SEALED_ATTRIBUTE = 'weirsealed'

/** In front of what was sealed under the key of a person. */
export const SUBJECT_CONTENT = 1
const VERSION_BYTES = 4
const HEAD_BYTES = 1 + VERSION_BYTES

/** The events of one person in one raw object, which are sealed together. */
export interface SealedGroup {
  readonly product: string
  readonly shard: string
  /** What stands for the person; empty for nobody. */
  readonly token: string
  /** The sealed fields, the subject first. */
  readonly fields: readonly string[]
  /** Of each event, in their order. */
  readonly places: readonly Pick<Place, 'sequence' | 'index'>[]
}

/**
 * What the ciphertext of a group is bound to: it opens for no other product, fields, person, key version or events, and
 * not for these in another number or order.
 */
export function boundToGroup(
  { product, shard, token, fields, places }: SealedGroup,
  keyVersion: number,
): string {
  let text = JSON.stringify(['weir sealed group', product, shard, token, keyVersion, fields])
  let last = ''
  for (const { sequence, index } of places) {
    text += sequence === last ? `,${index}` : `/${sequence}:${index}`
    last = sequence
  }
  return text
}

/** Seals what is personal of a group, in one operation. */
export function sealGroup(
  { key, version }: { readonly key: KeyObject; readonly version: number },
  group: SealedGroup,
  nonce: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt8(SUBJECT_CONTENT)
  head.writeUInt32BE(version, 1)
  return Buffer.concat([head, sealBytes(key, nonce, plaintext, boundToGroup(group, version))])
}

/** The version of the key that sealed a group; undefined if it was sealed under none of a person. */
export function keyVersionOf(sealed: Buffer): number | undefined {
  if (sealed.length < HEAD_BYTES || sealed.readUInt8() !== SUBJECT_CONTENT) return undefined
  return sealed.readUInt32BE(1)
}

/** What was sealed of a group; undefined if it is not what was sealed for exactly these events. */
export function openGroup(key: KeyObject, group: SealedGroup, sealed: Buffer): Buffer | undefined {
  const version = keyVersionOf(sealed)
  if (version === undefined) return undefined
  return openBytes(key, sealed.subarray(HEAD_BYTES), boundToGroup(group, version))
}
