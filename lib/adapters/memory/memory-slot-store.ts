import { type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type {
  AdvancedCursor,
  Cursor,
  FinalProgress,
  PaneMembers,
  Slot,
  SlotKey,
  SlotStore,
} from '#lib/domain/process/slot-store.ts'

/** Window slots in memory, held to the same contract tests as those in DynamoDB. */
export class MemorySlotStore implements SlotStore {
  readonly #slots = new Map<string, Slot>()
  readonly #expiry = new Map<string, number>()
  readonly #cursors = new Map<string, AdvancedCursor>()
  readonly #members = new Map<string, Map<Micros, Map<string, PaneMembers>>>()
  readonly #paneExpiry = new Map<string, number>()
  readonly #progress = new Map<string, FinalProgress>()

  async cursor(view: string, shard: string): Promise<Cursor> {
    return this.#cursors.get(JSON.stringify([view, shard])) ?? { position: START }
  }

  async advanceCursor(view: string, shard: string, to: AdvancedCursor): Promise<void> {
    const id = JSON.stringify([view, shard])
    const known = this.#cursors.get(id)
    if (known === undefined || known.position < to.position) this.#cursors.set(id, to)
  }

  async read(keys: readonly SlotKey[]): Promise<readonly Slot[]> {
    return keys.flatMap((key) => {
      const slot = this.#slots.get(idOf(key))
      return slot === undefined ? [] : [structuredClone(slot)]
    })
  }

  async write(slot: Slot, sequenceRead: SequenceNumber | undefined): Promise<boolean> {
    const id = idOf(slot)
    if (this.#slots.get(id)?.sequence !== sequenceRead) return false
    this.#slots.set(id, structuredClone(slot))
    this.#expiry.delete(id)
    return true
  }

  async range(view: string, key: string, from: Micros, to: Micros): Promise<readonly Slot[]> {
    return [...this.#slots.values()]
      .filter((slot) => slot.view === view && slot.key === key)
      .filter((slot) => slot.paneStart >= from && slot.paneStart <= to)
      .sort((a, b) => a.paneStart - b.paneStart || (a.shard < b.shard ? -1 : 1))
      .map((slot) => structuredClone(slot))
  }

  async newestPane(view: string, key: string, atOrBefore: Micros): Promise<readonly Slot[]> {
    const slots = [...this.#slots.values()].filter(
      (slot) => slot.view === view && slot.key === key && slot.paneStart <= atOrBefore,
    )
    const newest = slots.reduce((most, slot) => Math.max(most, slot.paneStart), -Infinity)
    return slots.filter((slot) => slot.paneStart === newest).map((slot) => structuredClone(slot))
  }

  async expire(slots: readonly Slot[], atMs: number): Promise<void> {
    for (const slot of slots) {
      const id = idOf(slot)
      if (this.#slots.get(id)?.sequence === slot.sequence) this.#expiry.set(id, atMs)
    }
  }

  async addMembers(
    view: string,
    shard: string,
    panes: ReadonlyMap<Micros, readonly string[]>,
  ): Promise<void> {
    for (const [paneStart, keys] of panes) {
      const known = getOrAdd(this.#members, view, () => new Map())
      const members = getOrAdd(known, paneStart, () => new Map<string, PaneMembers>())
      members.set(JSON.stringify([shard, keys]), { shard, keys })
      this.#paneExpiry.delete(JSON.stringify([view, paneStart]))
    }
  }

  async *panes(view: string, from: Micros, to: Micros): AsyncGenerator<Micros> {
    const starts = [...(this.#members.get(view)?.keys() ?? [])].sort((a, b) => a - b)
    for (const start of starts) if (start >= from && start <= to) yield start
  }

  async *members(view: string, paneStart: Micros): AsyncGenerator<PaneMembers> {
    yield* [...(this.#members.get(view)?.get(paneStart)?.values() ?? [])]
  }

  async expirePane(view: string, paneStart: Micros, atMs: number): Promise<void> {
    this.#paneExpiry.set(JSON.stringify([view, paneStart]), atMs)
  }

  async finalProgress(view: string): Promise<FinalProgress | undefined> {
    return this.#progress.get(view)
  }

  async advanceFinalProgress(view: string, progress: FinalProgress): Promise<void> {
    const known = this.#progress.get(view)
    if (known === undefined || known.closed <= progress.closed) this.#progress.set(view, progress)
  }

  /** Drops what may go by now, as DynamoDB does some time after. */
  dropExpired(nowMs: number): number {
    let dropped = 0
    for (const [id, atMs] of this.#expiry) {
      if (atMs > nowMs) continue
      this.#slots.delete(id)
      this.#expiry.delete(id)
      dropped++
    }
    for (const [id, atMs] of this.#paneExpiry) {
      if (atMs > nowMs) continue
      const [view, paneStart] = JSON.parse(id) as [string, Micros]
      this.#members.get(view)?.delete(paneStart)
      this.#paneExpiry.delete(id)
    }
    return dropped
  }

  /** Every slot, for oracles. */
  all(): readonly Slot[] {
    return [...this.#slots.values()]
  }
}

function getOrAdd<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}

function idOf(key: SlotKey): string {
  return JSON.stringify([key.view, key.key, key.paneStart, key.shard])
}
