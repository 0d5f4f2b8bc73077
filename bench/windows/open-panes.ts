import type { Micros } from '#lib/domain/kernel/time.ts'
import type { Slot, SlotKey, SlotStore, SlotWrite } from '#lib/domain/process/slot-store.ts'

/**
 * Window slots in memory as cheaply as can be, so that what is measured is not the store: what the watermark has passed is
 * taken out, as finalize-windows and expiry would.
 */
export class OpenPanes implements Pick<SlotStore, 'read' | 'writeAll' | 'addMembers'> {
  readonly #panes = new Map<Micros, Map<string, Slot>>()
  writes = 0

  async read(keys: readonly SlotKey[]): Promise<readonly Slot[]> {
    const found: Slot[] = []
    for (const { paneStart, key } of keys) {
      const slot = this.#panes.get(paneStart)?.get(key)
      if (slot !== undefined) found.push(slot)
    }
    return found
  }

  async writeAll(writes: readonly SlotWrite[]): Promise<readonly boolean[]> {
    this.writes += writes.length
    return writes.map(({ slot, sequenceRead }) => {
      const pane = this.#panes.get(slot.paneStart) ?? new Map<string, Slot>()
      this.#panes.set(slot.paneStart, pane)
      if (pane.get(slot.key)?.sequence !== sequenceRead) return false
      pane.set(slot.key, slot)
      return true
    })
  }

  /** Whoever closes a pane finds its keys in the pane itself. */
  async addMembers(): Promise<void> {}

  slot(paneStart: Micros, key: string): Slot | undefined {
    return this.#panes.get(paneStart)?.get(key)
  }

  /** Puts what is read and written in one go. */
  put(slot: Slot): void {
    const pane = this.#panes.get(slot.paneStart) ?? new Map<string, Slot>()
    this.#panes.set(slot.paneStart, pane.set(slot.key, slot))
    this.writes++
  }

  *all(): Generator<Slot> {
    for (const pane of this.#panes.values()) yield* pane.values()
  }

  /** Slots of panes that start before this; they are gone then. */
  *takeBefore(start: Micros): Generator<Slot> {
    for (const [pane, slots] of this.#panes) {
      if (pane >= start) continue
      this.#panes.delete(pane)
      yield* slots.values()
    }
  }
}
