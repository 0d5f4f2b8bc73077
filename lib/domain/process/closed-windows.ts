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

interface View {
  readonly slots: SlotStore
  /** The state name. */
  readonly name: string
}

/** Every slot that a pane has, by key, strongly consistent; the keys come from the members, which are written first. */
export async function slotKeysOfPane(
  { slots, name }: View,
  paneStart: Micros,
): Promise<ReadonlyMap<string, readonly SlotKey[]>> {
  const shards = new Map<string, Set<string>>()
  for await (const { shard, keys } of slots.members(name, paneStart)) {
    for (const key of keys) {
      const known = shards.get(key)
      if (known === undefined) shards.set(key, new Set([shard]))
      else known.add(shard)
    }
  }
  const found = new Map<string, readonly SlotKey[]>()
  for (const [key, ids] of shards) {
    found.set(
      key,
      [...ids].sort().map((shard) => ({ view: name, key, paneStart, shard })),
    )
  }
  return found
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
  const wanted: { window: TimeWindow; keys: Map<string, SlotKey[]> }[] = []
  const byPane = new Map<Micros, ReadonlyMap<string, readonly SlotKey[]>>()
  let rows = 0
  const windows = [...panesByWindow.values()].sort((a, b) => a.window.end - b.window.end)
  for (const { window, panes } of windows) {
    if (window.end > closed) break
    if (rows >= limits.maxRows) {
      closed = wanted.at(-1)!.window.end
      break
    }
    const keys = new Map<string, SlotKey[]>()
    for (const pane of panes) {
      const members = byPane.get(pane) ?? (await slotKeysOfPane(view, pane))
      byPane.set(pane, members)
      for (const [key, slotKeys] of members) {
        const known = keys.get(key)
        if (known === undefined) keys.set(key, [...slotKeys])
        else known.push(...slotKeys)
      }
    }
    for (const pane of byPane.keys()) if (pane < window.end - size) byPane.delete(pane)
    wanted.push({ window, keys })
    rows += keys.size
  }
  return { closed, chunks: fixedChunks(view, wanted, limits.chunkRows) }
}

async function* fixedChunks(
  { slots }: View,
  wanted: readonly { window: TimeWindow; keys: ReadonlyMap<string, readonly SlotKey[]> }[],
  chunkRows: number,
): AsyncGenerator<readonly WindowSlots[]> {
  let pending: { window: TimeWindow; key: string; slotKeys: readonly SlotKey[] }[] = []
  const read = async () => {
    const found = await slots.read(uniqueKeys(pending.flatMap(({ slotKeys }) => slotKeys)))
    const slotOf = new Map(found.map((slot) => [idOf(slot), slot]))
    const chunk = pending.map(({ window, key, slotKeys }) => ({
      window,
      key,
      slots: slotKeys.flatMap((slotKey) => slotOf.get(idOf(slotKey)) ?? []),
    }))
    pending = []
    // A key may have been noted for a slot that was never written: then nothing of it is in the window.
    return chunk.filter((one) => one.slots.length > 0)
  }
  for (const { window, keys } of wanted) {
    for (const [key, slotKeys] of keys) {
      pending.push({ window, key, slotKeys })
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
    for (const key of (await slotKeysOfPane(view, pane)).keys()) {
      const session = await chainAround(view, definition, key, pane)
      if (session === undefined) continue
      const closes = sessionCloses(definition, session.window)
      const id = `${session.window.start}/${key}`
      if (closes <= from || closes > to || seen.has(id)) continue
      seen.add(id)
      chunk.push(session)
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
