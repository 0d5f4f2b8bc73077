/** Partition keys that a producer spreads events over. Part of how a product's order is defined: never change it lightly. */
export const PARTITION_SLOTS = 64

/** The slot of a partition key's value: the same value always goes to the same slot, on every machine. */
export function partitionSlot(value: string): number {
  return fnv1a(value) % PARTITION_SLOTS
}

/** What decides an event's slot. */
export interface SlottedEvent {
  readonly source: string
  readonly id: string
  readonly partitionKey: string
}

/**
 * The slot of an event where each key may be spread over `spread` slots: which of them is decided by source and id
 * alone, so that a resend, also by another process, goes where its first try went and is known there as a duplicate. The
 * slots of one key are all different, and as far from each other as can be. `spread` belongs to the contract version: a
 * resend across a change of it may be taken twice.
 */
export function eventSlot(event: SlottedEvent, spread: number): number {
  const base = partitionSlot(event.partitionKey)
  if (spread <= 1) return base
  const step = Math.floor((identityHash(event) % spread) * (PARTITION_SLOTS / spread))
  return (base + step) % PARTITION_SLOTS
}

/** The Kinesis partition key of a slot: `slot-07`. */
export function slotName(slot: number): string {
  return `slot-${String(slot).padStart(2, '0')}`
}

/**
 * Where a slot lies in the stream's range of hash keys: slots divide it evenly, so that even shards have equally many,
 * and the slots of a spread key lie in different ones. Hashes of the slots' names would crowd.
 */
export function slotHashKey(slot: number): string {
  return String((2n * BigInt(slot) + 1n) * (HASH_KEYS / BigInt(2 * PARTITION_SLOTS)))
}

/** The hash keys of a Kinesis stream are 0 to this, exclusive. */
const HASH_KEYS = 2n ** 128n

/** The length keeps ("ab", "c") and ("a", "bc") apart. */
function identityHash({ source, id }: SlottedEvent): number {
  return fnv1a(`${source.length}:${source}${id}`)
}

/** FNV-1a over UTF-8, with a final mix: the low bits alone of FNV are uneven for short keys. */
function fnv1a(value: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(value, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return (hash ^ (hash >>> 16)) >>> 0
}
