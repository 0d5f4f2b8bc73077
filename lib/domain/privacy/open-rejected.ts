import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { KeyWrapper } from './key-table.ts'
import { type RejectedPlace, rejectedPlace } from './rejected-place.ts'
import { openUnknown, type SealUnknown } from './unknown-content.ts'

/** In front of the ciphertext of a rejected event, where its text would stand: no JSON begins so. */
const PREFIX = 'weir-sealed:'

/** The text that stands for a rejected event. */
export function sealRejected(seal: SealUnknown, text: Uint8Array, place: RejectedPlace): string {
  return `${PREFIX}${seal(text, rejectedPlace(place)).toString('base64')}`
}

/** Whether a text of quarantine is a ciphertext. */
export function isSealedText(text: string): boolean {
  return text.startsWith(PREFIX)
}

/**
 * The rejected event as it came; itself if it is not sealed. Throws `privacy.unknownUnreadable` if it was sealed for
 * another place or changed since, and whatever the wrapper throws to who may not open it.
 */
export async function openRejected(
  wrapper: Pick<KeyWrapper, 'unwrap'>,
  cell: string,
  text: string,
  place: RejectedPlace,
): Promise<string> {
  if (!isSealedText(text)) return text
  const sealed = Buffer.from(text.slice(PREFIX.length), 'base64')
  const opened = await openUnknown(wrapper, cell, sealed, rejectedPlace(place))
  if (opened !== undefined) return opened.toString('utf8')
  throw new PlatformError(
    'privacy.unknownUnreadable',
    `what quarantine has of event ${place.shard}/${place.sequence}/${place.index} was not sealed for that place: it was moved or changed`,
  )
}
