import type { Place } from '#lib/domain/ingest/raw-event.ts'

/** What the ciphertext of a rejected event is bound to. */
export function rejectedPlace(
  shard: string,
  { sequence, index }: Pick<Place, 'sequence' | 'index'>,
): string {
  return JSON.stringify(['weir rejected event', shard, sequence, index])
}

/** What the ciphertext of a record that nobody could decode is bound to. */
export function undecodablePlace(shard: string, sequence: string): string {
  return JSON.stringify(['weir undecodable record', shard, sequence])
}
