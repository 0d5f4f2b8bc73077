import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { MICROS_PER_SECOND } from '#lib/domain/kernel/time.ts'
import { chainAround, type SessionSlots } from './session.ts'
import type { Slot, SlotKey, SlotStore } from './slot-store.ts'
import {
  MIN_TIME,
  panesOf,
  type SessionWindow,
  type SlidingWindow,
  type TimeWindow,
  type TumblingWindow,
  windowsOfPane,
} from './window.ts'

/** A window of a key with every slot that it is made of. */
export interface WindowSlots {
  readonly key: string
  readonly window: TimeWindow
  readonly slots: readonly Slot[]
}

/** Windows that become final together, and how far that reaches. */
export interface Closing {
  /** Windows that end at or before this have become final. */
  readonly closed: Micros
  /** In chunks, so that a million keys need not be in memory at once; no key of a window is in two of them. */
  readonly chunks: AsyncIterable<readonly WindowSlots[]>
}

export interface ClosingLimits {
  /** Rows after which no further window is begun. */
  readonly maxRows: number
  readonly maxWindows: number
  readonly chunkRows: number
}

export const CLOSING_LIMITS: ClosingLimits = {
  maxRows: 100_000,
  maxWindows: 10_000,
  chunkRows: 20_000,
}

/** Sessions that are read side by side. */
const CHAINS_AT_ONCE = 16

interface View {
  readonly slots: SlotStore
  /** The state name. */
  readonly name: string
}

/**
 * The shards that have a slot of each key in a pane, strongly consistent; they come from the members, which are written
 * first. Keys of the same shards share one list, so that a million of them take little more than their texts.
 */
export async function shardsByKey(
  { slots, name }: View,
  paneStart: Micros,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  const lists = new Map<string, readonly string[]>()
  const listOf = (shards: readonly string[]): readonly string[] => {
    const id = shards.join()
    const known = lists.get(id) ?? shards
    lists.set(id, known)
    return known
  }
  for await (const { shard, keys } of slots.members(name, paneStart)) {
    const alone = listOf([shard])
    for (const key of keys) {
      const known = found.get(key)
      if (known === undefined) found.set(key, alone)
      else if (!known.includes(shard)) found.set(key, listOf([...known, shard].sort()))
    }
  }
  return found
}

/** The slots of a key in a pane. */
export function slotKeys(
  { name }: Pick<View, 'name'>,
  key: string,
  paneStart: Micros,
  shards: readonly string[],
): readonly SlotKey[] {
  return shards.map((shard) => ({ view: name, key, paneStart, shard }))
}

/**
 * Windows of fixed size that end after `from` and not after `to`, oldest first; fewer if they are many, and then
 * `closed` says how far it went.
 */
export async function closingFixed(
  view: View,
  definition: TumblingWindow | SlidingWindow,
  from: Micros,
  to: Micros,
  limits: ClosingLimits = CLOSING_LIMITS,
): Promise<Closing> {
  const { width } = panesOf(definition)
  const size = definition.sizeSeconds * MICROS_PER_SECOND
  const panesByWindow = new Map<string, { window: TimeWindow; panes: Micros[] }>()
  let closed = to
  for await (const pane of view.slots.panes(view.name, Math.max(MIN_TIME, from - size), to)) {
    for (const window of windowsOfPane(definition, pane)) {
      if (window.end <= from || window.end > to) continue
      const id = `${window.start}`
      const known = panesByWindow.get(id)
      if (known === undefined) panesByWindow.set(id, { window, panes: [pane] })
      else known.panes.push(pane)
    }
    // Later panes are only in windows that end later than this one's first; what is closed has to grow.
    if (panesByWindow.size >= limits.maxWindows && pane + width > from) {
      closed = Math.min(to, pane + width)
      break
    }
  }
  const wanted: FixedWindow[] = []
  const byPane = new Map<Micros, ReadonlyMap<string, readonly string[]>>()
  let rows = 0
  const windows = [...panesByWindow.values()].sort((a, b) => a.window.end - b.window.end)
  for (const { window, panes } of windows) {
    if (window.end > closed) break
    if (rows >= limits.maxRows) {
      closed = wanted.at(-1)!.window.end
      break
    }
    const members = new Map<Micros, ReadonlyMap<string, readonly string[]>>()
    for (const pane of panes) {
      const known = byPane.get(pane) ?? (await shardsByKey(view, pane))
      byPane.set(pane, known)
      members.set(pane, known)
    }
    for (const pane of byPane.keys()) if (pane < window.end - size) byPane.delete(pane)
    const keys = keysOf([...members.values()])
    wanted.push({ window, members, keys })
    rows += keys.size
  }
  return { closed, chunks: fixedChunks(view, wanted, limits.chunkRows) }
}

interface FixedWindow {
  readonly window: TimeWindow
  /** Of each of its panes. */
  readonly members: ReadonlyMap<Micros, ReadonlyMap<string, readonly string[]>>
  /** Of all of them. */
  readonly keys: { keys(): Iterable<string>; readonly size: number }
}

function keysOf(panes: readonly ReadonlyMap<string, unknown>[]): FixedWindow['keys'] {
  if (panes.length === 1) return panes[0]!
  const keys = new Set<string>()
  for (const pane of panes) for (const key of pane.keys()) keys.add(key)
  return keys
}

async function* fixedChunks(
  view: View,
  wanted: readonly FixedWindow[],
  chunkRows: number,
): AsyncGenerator<readonly WindowSlots[]> {
  let pending: { window: TimeWindow; key: string; slotKeys: readonly SlotKey[] }[] = []
  const read = async () => {
    const found = await view.slots.read(uniqueKeys(pending.flatMap((one) => one.slotKeys)))
    const slotOf = new Map(found.map((slot) => [idOf(slot), slot]))
    const chunk = pending.map(({ window, key, slotKeys: wantedKeys }) => ({
      window,
      key,
      slots: wantedKeys.flatMap((slotKey) => slotOf.get(idOf(slotKey)) ?? []),
    }))
    pending = []
    // A key may have been noted for a slot that was never written: then nothing of it is in the window.
    return chunk.filter((one) => one.slots.length > 0)
  }
  for (const { window, members, keys } of wanted) {
    for (const key of keys.keys()) {
      const ofKey = [...members].flatMap(([pane, shards]) =>
        slotKeys(view, key, pane, shards.get(key) ?? []),
      )
      pending.push({ window, key, slotKeys: ofKey })
      if (pending.length >= chunkRows) yield await read()
    }
  }
  if (pending.length > 0) yield await read()
}

/** When a session is final: a gap after its end, because until then an event may still join it. */
export function sessionCloses({ gapSeconds }: SessionWindow, window: TimeWindow): Micros {
  return window.end + gapSeconds * MICROS_PER_SECOND
}

/** Sessions that become final after `from` and not after `to`; likewise. */
export async function closingSessions(
  view: View,
  definition: SessionWindow,
  from: Micros,
  to: Micros,
  limits: ClosingLimits = CLOSING_LIMITS,
): Promise<Closing> {
  const gap = definition.gapSeconds * MICROS_PER_SECOND
  const panes: Micros[] = []
  let closed = to
  let rows = 0
  // The pane of a session's last event: that lies two gaps before the session is final.
  for await (const pane of view.slots.panes(
    view.name,
    Math.max(MIN_TIME, from - 3 * gap),
    Math.max(MIN_TIME, to - 2 * gap),
  )) {
    panes.push(pane)
    for await (const { keys } of view.slots.members(view.name, pane)) rows += keys.length
    // Sessions whose last event lies in a later pane are final later than this; what is closed has to grow.
    const reached = pane + 3 * gap - 1
    if (rows < limits.maxRows || reached <= from) continue
    closed = Math.min(to, reached)
    break
  }
  return { closed, chunks: sessionChunks(view, definition, panes, from, closed, limits.chunkRows) }
}

async function* sessionChunks(
  view: View,
  definition: SessionWindow,
  panes: readonly Micros[],
  from: Micros,
  to: Micros,
  chunkRows: number,
): AsyncGenerator<readonly WindowSlots[]> {
  const seen = new Set<string>()
  let chunk: SessionSlots[] = []
  for (const pane of panes) {
    const keys = [...(await shardsByKey(view, pane)).keys()]
    for (let at = 0; at < keys.length; at += CHAINS_AT_ONCE) {
      const sessions = await inParallel(
        keys.slice(at, at + CHAINS_AT_ONCE),
        CHAINS_AT_ONCE,
        (key) => chainAround(view, definition, key, pane),
      )
      for (const session of sessions) {
        if (session === undefined) continue
        const closes = sessionCloses(definition, session.window)
        const id = `${session.window.start}/${session.key}`
        if (closes <= from || closes > to || seen.has(id)) continue
        seen.add(id)
        chunk.push(session)
      }
      if (chunk.length < chunkRows) continue
      yield chunk
      chunk = []
    }
  }
  if (chunk.length > 0) yield chunk
}

function uniqueKeys(keys: readonly SlotKey[]): readonly SlotKey[] {
  return [...new Map(keys.map((key) => [idOf(key), key])).values()]
}

function idOf({ key, paneStart, shard }: SlotKey): string {
  return JSON.stringify([key, paneStart, shard])
}
