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

  *all(): Generator<Slot> {
    for (const pane of this.#panes.values()) yield* pane.values()
  }

  /** Slots of panes that start before this, oldest pane first; they are gone then. */
  *takeBefore(start: Micros): Generator<readonly [Micros, ReadonlyMap<string, Slot>]> {
    for (const pane of [...this.#panes.keys()].sort((a, b) => a - b)) {
      if (pane >= start) return
      yield [pane, this.#panes.get(pane)!]
      this.#panes.delete(pane)
    }
  }
}
