import type { Place } from '#lib/domain/ingest/raw-event.ts'

/** Where a rejected event stood. */
export interface RejectedPlace extends Pick<Place, 'sequence' | 'index'> {
  readonly shard: string
}

/** What the ciphertext of a rejected event is bound to. */
export function rejectedPlace({ shard, sequence, index }: RejectedPlace): string {
  return JSON.stringify(['weir rejected event', shard, sequence, index])
}

/** What the ciphertext of a record that nobody could decode is bound to. */
export function undecodablePlace(shard: string, sequence: string): string {
  return JSON.stringify(['weir undecodable record', shard, sequence])
}
