import type { Predecessor, SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'

/** One (view, key, window, shard): shards write apart, so no two of them meet in one item. */
export interface SlotKey {
  readonly view: string
  readonly key: string
  readonly windowStart: Micros
  readonly shard: string
}

export interface Slot extends SlotKey {
  /** State per aggregate name, as its algebra stores it: JSON with its version. */
  readonly states: Readonly<Record<string, unknown>>
  /** The last position whose entry is included. Only entries after it are added. */
  readonly sequence: SequenceNumber
  /** When it was computed, milliseconds. */
  readonly computedAtMs: number
}

export interface SlotStore {
  /** How far a shard's journal is in a view's slots: it may lag behind the slots, never lead them. */
  cursor(view: string, shard: string): Promise<Predecessor>
  /** Moves the cursor, only forward. */
  advanceCursor(view: string, shard: string, to: SequenceNumber): Promise<void>
  /** Strongly consistent; slots that do not exist are absent from the result. */
  read(keys: readonly SlotKey[]): Promise<readonly Slot[]>
  /**
   * Writes if the slot still has the sequence it was read with (undefined: is still absent).
   * False: someone else wrote; read again and decide again.
   */
  write(slot: Slot, sequenceRead: SequenceNumber | undefined): Promise<boolean>
  /** All shards' slots of the newest window of a key that starts at or before `atOrBefore`. */
  newestWindow(view: string, key: string, atOrBefore: Micros): Promise<readonly Slot[]>
}
