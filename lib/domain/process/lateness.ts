import type { Contract } from '#lib/domain/contract/contract.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import { type Panes, paneStart } from './window.ts'

const MICROS_PER_DAY = 86_400 * MICROS_PER_SECOND

/**
 * When an event is too late for a window, from its position alone: stream, replay and a second attempt agree.
 *
 * The watermark at a position is the greatest event time admitted at earlier positions of the shard and its ancestors
 * (each capped at its arrival and the allowed skew, so that one clock of the future moves nothing), less the bound on
 * disorder. An event is late for a pane once the watermark has passed the pane's end by the allowed lateness, or once
 * it arrives so long after that end that what the pane needs to be revised may be gone.
 */
export interface Lateness {
  /** Micros that an event may be behind the greatest event time before it. */
  readonly bound: number
  /** Micros past the end of its window that an event still counts. */
  readonly allowed: number
  /** Micros that states outlive a final result. */
  readonly stateRetention: number
}

/** Undefined if no event is ever late: then no window is ever final either. */
export function latenessOf(contract: Contract): Lateness | undefined {
  const { allowedLatenessSeconds, outOfOrdernessSeconds, stateRetentionDays } = contract
  if (allowedLatenessSeconds === undefined) return undefined
  return {
    bound: outOfOrdernessSeconds * MICROS_PER_SECOND,
    allowed: allowedLatenessSeconds * MICROS_PER_SECOND,
    stateRetention: stateRetentionDays * MICROS_PER_DAY,
  }
}

/** The watermark of a position; −∞ where nothing was admitted before. */
export function watermarkAfter(lateness: Lateness, maxEventTime: Micros | undefined): number {
  return maxEventTime === undefined ? Number.NEGATIVE_INFINITY : maxEventTime - lateness.bound
}

/**
 * Whether an event of this position is late for what ends at `end`.
 *
 * @param maxEventTimeBefore of admitted events at earlier positions, capped
 */
export function isLate(
  lateness: Lateness,
  end: Micros,
  maxEventTimeBefore: Micros | undefined,
  arrival: Micros,
): boolean {
  const watermark = watermarkAfter(lateness, maxEventTimeBefore)
  return Math.max(watermark, arrival - lateness.stateRetention) >= end + lateness.allowed
}

/** Whether any event of the entry can be late: only then the order of its rows has to be looked at. */
export function mayHoldLate(
  lateness: Lateness,
  endOf: (eventTime: Micros) => Micros,
  { eventTime, maxEventTimeAfter, arrival }: JournalEntry,
): boolean {
  if (eventTime === undefined) return false
  return isLate(lateness, endOf(eventTime.min), maxEventTimeAfter, arrival.max)
}

/** Until when an event's time counts as open, by kind of window: its pane's end, or a gap after itself. */
export function lateFrom(panes: Panes, isSession: boolean): (eventTime: Micros) => Micros {
  if (panes.width === Number.POSITIVE_INFINITY) return () => Number.POSITIVE_INFINITY
  if (isSession) return (eventTime) => eventTime + panes.width
  return (eventTime) => paneStart(panes, eventTime) + panes.width
}
