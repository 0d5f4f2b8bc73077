import type { Contract } from '#lib/domain/contract/contract.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { sessionCloses, shardsByKey, slotKeys } from './closed-windows.ts'
import type { FinalView } from './finalize-windows.ts'
import { chainAround } from './session.ts'
import type { FinalProgress, Slot } from './slot-store.ts'
import { revisedWindows, touchedPanes } from './touched-panes.ts'
import { MIN_TIME, panesOf, windowsOfPane } from './window.ts'

/** How long slots outlive the row of their window: an event may come that revises it, and lie in the stream till then. */
export function slotLifeMs({ stateRetentionDays, stream, maxFutureSkewMinutes }: Contract): number {
  return (
    stateRetentionDays * 86_400_000 +
    stream.retentionHours * 3_600_000 +
    maxFutureSkewMinutes * 60_000
  )
}

/**
 * Lets the slots of windows that are final go at a time, from where this was done last: those of windows that were
 * closed since, and those that were revised since, whose new writes took their expiry away. A slot that changes while
 * this runs keeps: whoever changed it is past the fences, so the next run meets it again.
 */
export async function expireSlots(run: FinalView, to: FinalProgress, atMs: number): Promise<void> {
  const done = await run.slots.finalProgress(run.name)
  const from = done?.closed ?? MIN_TIME
  const isRevised = Object.entries(to.fences).some(
    ([shard, fence]) => (done?.fences[shard] ?? START) !== fence,
  )
  if (from >= to.closed && !isRevised) return
  await expireClosed(run, from, to.closed, atMs)
  if (done !== undefined && isRevised) await expireRevised(run, done, to, atMs)
  await run.slots.advanceFinalProgress(run.name, to)
}

async function expireClosed(run: FinalView, from: Micros, to: Micros, atMs: number): Promise<void> {
  const { window } = run.view
  if (to <= from || window.kind === 'running') return
  const { width } = panesOf(window)
  if (window.kind === 'session') {
    const gap = window.gapSeconds * MICROS_PER_SECOND
    for await (const pane of run.slots.panes(
      run.name,
      atLeast(from - 3 * gap),
      atLeast(to - 2 * gap),
    )) {
      for (const key of (await shardsByKey(run, pane)).keys()) {
        const session = await chainAround(run, window, key, pane)
        if (session === undefined || sessionCloses(window, session.window) > to) continue
        await run.slots.expire(session.slots, atMs)
      }
      // Its last session is final two gaps after the last event that it can hold: until then somebody has to find its keys.
      const last = pane + 3 * gap - 1
      if (last <= to) await run.slots.expirePane(run.name, pane, atMs + KEPT_LONGER_MS)
    }
    return
  }
  for await (const pane of run.slots.panes(
    run.name,
    atLeast(from - window.sizeSeconds * MICROS_PER_SECOND),
    to,
  )) {
    const last = windowsOfPane(window, pane).at(-1)?.end ?? pane + width
    if (last <= from || last > to) continue
    const members = [...(await shardsByKey(run, pane))]
    for (let at = 0; at < members.length; at += KEYS_AT_ONCE) {
      const some = members.slice(at, at + KEYS_AT_ONCE)
      const keys = some.flatMap(([key, shards]) => slotKeys(run, key, pane, shards))
      await run.slots.expire(await run.slots.read(keys), atMs)
    }
    await run.slots.expirePane(run.name, pane, atMs + KEPT_LONGER_MS)
  }
}

async function expireRevised(
  run: FinalView,
  done: FinalProgress,
  to: FinalProgress,
  atMs: number,
): Promise<void> {
  const slots: Slot[] = []
  for (const [shard, fence] of Object.entries(to.fences)) {
    const from = done.fences[shard] ?? START
    if (from === fence || fence === START) continue
    const entries = (await run.journal.entriesAfter(shard, from, MAX_ENTRIES)).filter(
      (entry) => entry.last <= fence,
    )
    const touched = await touchedPanes(run, entries, to.closed)
    const { windows } = await revisedWindows(run, touched, to.closed)
    slots.push(
      ...windows.flatMap((one) => one.slots).filter((slot) => isDone(run, slot, to.closed)),
    )
  }
  await run.slots.expire(slots, atMs)
}

/** Whether no window that is still open needs the slot. */
function isDone({ view: { window } }: FinalView, { paneStart }: Slot, closed: Micros): boolean {
  // A session's slots are all of it, and it is closed.
  if (window.kind !== 'sliding') return true
  return (windowsOfPane(window, paneStart).at(-1)?.end ?? MIN_TIME) <= closed
}

const KEYS_AT_ONCE = 1_000
const MAX_ENTRIES = 100_000
/** What is known of a pane's members outlives its slots: a slot that is missing then has expired. */
const KEPT_LONGER_MS = 7 * 86_400_000

function atLeast(time: Micros): Micros {
  return Math.max(MIN_TIME, time)
}
