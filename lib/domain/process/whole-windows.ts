import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { MIN_TIME, paneStart, panesOf, type TimeWindow, type WindowDefinition } from './window.ts'

/**
 * A generation that begins at a time keeps the panes that start from then on, each whole. A window is whole if all its
 * panes are kept, and only whole windows are served and become final: half a window would be a wrong number.
 *
 * @param from where the generation begins; undefined if it holds everything
 */
export function wholeFrom(definition: WindowDefinition, from: Micros | undefined): Micros {
  if (from === undefined || definition.kind === 'running') return MIN_TIME
  if (definition.kind !== 'session') return from
  const panes = panesOf(definition)
  const first = paneStart(panes, from)
  // What came less than a gap before belongs to the session, too, and must have been kept.
  return (first < from ? first + panes.width : first) + definition.gapSeconds * MICROS_PER_SECOND
}

/** Whether a generation that begins at `from` holds all of a window. */
export function isWhole(
  definition: WindowDefinition,
  from: Micros | undefined,
  window: TimeWindow,
): boolean {
  return window.start >= wholeFrom(definition, from)
}

/** Whether all events of the entry are older than what is kept: then there is nothing to read. */
export function liesBefore(from: Micros | undefined, { eventTime }: JournalEntry): boolean {
  return from !== undefined && eventTime !== undefined && eventTime.max < from
}
