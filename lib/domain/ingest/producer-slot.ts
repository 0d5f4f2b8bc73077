/** Partition keys that a producer spreads events over. Part of how a product's order is defined: never change it lightly. */
export const PARTITION_SLOTS = 64

/** The slot of a partition key's value: the same value always goes to the same slot, on every machine. */
export function partitionSlot(value: string): number {
  // FNV-1a over UTF-8, with a final mix: the low bits alone of FNV are uneven for short keys.
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(value, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b)
  return ((hash ^ (hash >>> 16)) >>> 0) % PARTITION_SLOTS
}

/** The Kinesis partition key of a slot: `slot-07`. */
export function slotName(slot: number): string {
  return `slot-${String(slot).padStart(2, '0')}`
}
