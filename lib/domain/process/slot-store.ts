import type { Predecessor, SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { Fences } from '#lib/domain/lake/fences.ts'

/** One (view, key, pane, shard): shards write apart, so no two of them meet in one item. */
export interface SlotKey {
  /** The view's state name: its name, version and generation. */
  readonly view: string
  readonly key: string
  readonly paneStart: Micros
  readonly shard: string
}

export interface Slot extends SlotKey {
  /** State per aggregate name, as its algebra stores it: JSON with its version. */
  readonly states: Readonly<Record<string, unknown>>
  /** Of the events in it. */
  readonly eventTime: { readonly min: Micros; readonly max: Micros }
  /** The last position whose entry is included. Only entries after it are added. */
  readonly sequence: SequenceNumber
  /** When it was computed, milliseconds. */
  readonly computedAtMs: number
}

/** How far a shard's journal is in a view's slots. */
export interface Cursor {
  readonly position: Predecessor
  /** What the states up to here mean; absent before the first entry. */
  readonly definition?: string
  /** The greatest event time admitted up to here in the shard and its ancestors, capped; absent before the first. */
  readonly maxEventTime?: Micros
}

/** A cursor behind at least one entry. */
export interface AdvancedCursor extends Cursor {
  readonly position: SequenceNumber
  readonly definition: string
}

/** Keys that a shard has slots for in a pane, possibly among others that it was about to have. */
export interface PaneMembers {
  readonly shard: string
  readonly keys: readonly string[]
}

/** How far a view's final results are, as the slots table knows it: behind the feature table, never ahead. */
export interface FinalProgress {
  /** Windows that end at or before this are final (sessions: that end a gap before it), UTC micros. */
  readonly closed: Micros
  /** Fences of the feature table at that time. */
  readonly fences: Fences
}

/** Window state of all views of a product. */
export interface SlotStore {
  /** How far a shard's journal is in a view's slots: it may lag behind the slots, never lead them. */
  cursor(view: string, shard: string): Promise<Cursor>
  /** Moves the cursor, only forward. */
  advanceCursor(view: string, shard: string, to: AdvancedCursor): Promise<void>

  /** Strongly consistent; slots that do not exist are absent from the result. */
  read(keys: readonly SlotKey[]): Promise<readonly Slot[]>
  /**
   * Writes if the slot still has the sequence it was read with (undefined: is still absent).
   * False: someone else wrote; read again and decide again.
   */
  write(slot: Slot, sequenceRead: SequenceNumber | undefined): Promise<boolean>
  /** All shards' slots of a key whose panes start in [from, to], in order of the panes. */
  range(
    view: string,
    key: string,
    from: Micros,
    to: Micros,
    options: { readonly consistent: boolean },
  ): Promise<readonly Slot[]>
  /** All shards' slots of the newest pane of a key that starts at or before `atOrBefore`; may be a moment old. */
  newestPane(view: string, key: string, atOrBefore: Micros): Promise<readonly Slot[]>
  /** Lets slots go after a time, those that still are as they were read. */
  expire(slots: readonly Slot[], atMs: number): Promise<void>

  /**
   * Notes which keys a pane has, before the first slot of each is written: so whoever closes the pane finds every slot,
   * and one that is missing then has expired.
   */
  addMembers(
    view: string,
    shard: string,
    panes: ReadonlyMap<Micros, readonly string[]>,
  ): Promise<void>
  /** Starts of panes that have members, in [from, to], ascending; strongly consistent. */
  panes(view: string, from: Micros, to: Micros): AsyncIterable<Micros>
  /** Strongly consistent; a key may come more than once. */
  members(view: string, paneStart: Micros): AsyncIterable<PaneMembers>
  /** Lets what is known of a pane's members go after a time. */
  expirePane(view: string, paneStart: Micros, atMs: number): Promise<void>

  finalProgress(view: string): Promise<FinalProgress | undefined>
  /** Moves it, only forward. */
  advanceFinalProgress(view: string, progress: FinalProgress): Promise<void>
}
