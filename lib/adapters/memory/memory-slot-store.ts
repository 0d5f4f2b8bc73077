import { type Predecessor, type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { Slot, SlotKey, SlotStore } from '#lib/domain/process/slot-store.ts'

/** Window slots in memory, held to the same contract tests as those in DynamoDB. */
export class MemorySlotStore implements SlotStore {
  readonly #slots = new Map<string, Slot>()
  readonly #cursors = new Map<string, SequenceNumber>()

  async cursor(view: string, shard: string): Promise<Predecessor> {
    return this.#cursors.get(`${view}/${shard}`) ?? START
  }

  async advanceCursor(view: string, shard: string, to: SequenceNumber): Promise<void> {
    const id = `${view}/${shard}`
    const known = this.#cursors.get(id)
    if (known === undefined || known < to) this.#cursors.set(id, to)
  }

  async read(keys: readonly SlotKey[]): Promise<readonly Slot[]> {
    return keys.flatMap((key) => {
      const slot = this.#slots.get(idOf(key))
      return slot === undefined ? [] : [structuredClone(slot)]
    })
  }

  async write(slot: Slot, sequenceRead: SequenceNumber | undefined): Promise<boolean> {
    if (this.#slots.get(idOf(slot))?.sequence !== sequenceRead) return false
    this.#slots.set(idOf(slot), structuredClone(slot))
    return true
  }

  async newestWindow(view: string, key: string, atOrBefore: Micros): Promise<readonly Slot[]> {
    const slots = [...this.#slots.values()].filter(
      (slot) => slot.view === view && slot.key === key && slot.windowStart <= atOrBefore,
    )
    const newest = slots.reduce((most, slot) => Math.max(most, slot.windowStart), -Infinity)
    return slots.filter((slot) => slot.windowStart === newest).map((slot) => structuredClone(slot))
  }

  /** Every slot, for oracles. */
  all(): readonly Slot[] {
    return [...this.#slots.values()]
  }
}

function idOf(key: SlotKey): string {
  return JSON.stringify([key.view, key.key, key.windowStart, key.shard])
}
