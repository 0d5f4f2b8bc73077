import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import type { Slot, SlotStore } from './slot-store.ts'
import { MAX_TIME, MIN_TIME, type SessionWindow, type TimeWindow } from './window.ts'

/** A session of a key with every slot that it is made of. */
export interface SessionSlots<Held = Slot> {
  readonly key: string
  readonly window: TimeWindow
  readonly slots: readonly Held[]
}

/** Panes of all shards in order of time, cut where the next event came more than a gap after the last one. */
export function sessionsOf<Held extends Pick<Slot, 'key' | 'eventTime'>>(
  { gapSeconds }: SessionWindow,
  slots: readonly Held[],
): readonly SessionSlots<Held>[] {
  const gap = gapSeconds * MICROS_PER_SECOND
  const sessions: { key: string; slots: Held[]; first: Micros; last: Micros }[] = []
  const inOrder = [...slots].sort((a, b) => a.eventTime.min - b.eventTime.min)
  for (const slot of inOrder) {
    const open = sessions.at(-1)
    if (open === undefined || slot.eventTime.min - open.last > gap) {
      sessions.push({
        key: slot.key,
        slots: [slot],
        first: slot.eventTime.min,
        last: slot.eventTime.max,
      })
    } else {
      open.slots.push(slot)
      open.last = Math.max(open.last, slot.eventTime.max)
    }
  }
  return sessions.map(({ key, first, last, slots: held }) => {
    return { key, window: { start: first, end: last + gap }, slots: held }
  })
}

/**
 * The session that holds the events of a pane, whole: the range is widened until what lies before and after it is
 * more than a gap away. Undefined if the key has no slot in the pane.
 */
export async function chainAround(
  { slots, name }: { readonly slots: SlotStore; readonly name: string },
  definition: SessionWindow,
  key: string,
  paneStart: Micros,
): Promise<SessionSlots | undefined> {
  const gap = definition.gapSeconds * MICROS_PER_SECOND
  for (let reach = 4 * gap; ; reach *= 4) {
    const from = Math.max(MIN_TIME, paneStart - reach)
    const to = Math.min(MAX_TIME, paneStart + reach)
    const found = await slots.range(name, key, from, to, { consistent: true })
    const session = sessionsOf(definition, found).find((one) =>
      one.slots.some((slot) => slot.paneStart === paneStart),
    )
    if (session === undefined) return undefined
    // A pane that could reach the session starts at most two gaps before its first event, or a gap after its last.
    const isWhole =
      (from === MIN_TIME || session.window.start - 2 * gap >= from) &&
      (to === MAX_TIME || session.window.end <= to)
    if (isWhole) return session
  }
}
