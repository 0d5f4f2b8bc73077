import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'

/** The years 1 to 9999: what a timestamp can be, UTC micros. */
export const MIN_TIME: Micros = -62_135_596_800_000_000
export const MAX_TIME: Micros = 253_402_300_799_000_000

/** How event time is cut into windows. Starts are inclusive, ends exclusive, all in UTC. */
export type WindowDefinition = TumblingWindow | SlidingWindow | SessionWindow | RunningTotal

export interface TumblingWindow {
  readonly kind: 'tumbling'
  readonly sizeSeconds: number
  /** Windows start at multiples of the size, shifted by this. @default 0 */
  readonly offsetSeconds?: number
}

/** A window of `sizeSeconds` starts every `slideSeconds`; an event is in size / slide of them. */
export interface SlidingWindow {
  readonly kind: 'sliding'
  readonly sizeSeconds: number
  readonly slideSeconds: number
  /** @default 0 */
  readonly offsetSeconds?: number
}

/** Events of a key that follow each other within the gap; it ends a gap after its last event. */
export interface SessionWindow {
  readonly kind: 'session'
  readonly gapSeconds: number
}

/** Everything of a key since the beginning. It is never final. */
export interface RunningTotal {
  readonly kind: 'running'
}

/** Half-open: start inclusive, end exclusive. */
export interface TimeWindow {
  readonly start: Micros
  readonly end: Micros
}

/**
 * Panes: the disjoint pieces of event time that states are kept for. A window is a run of panes, so an event is
 * added once however many windows it is in, and what is written does not grow with size / slide.
 *
 * - tumbling: a pane is a window;
 * - sliding: the greatest common divisor of size and slide;
 * - session: as wide as the gap, because events of one pane are then always in one session; a pane remembers the
 *   first and the last event time in it, and panes whose events are within the gap are one session;
 * - running: one pane without an end.
 */
export interface Panes {
  /** Micros; infinite for a running total. */
  readonly width: number
  readonly offset: Micros
}

export function panesOf(definition: WindowDefinition): Panes {
  switch (definition.kind) {
    case 'tumbling':
      return panes(definition.sizeSeconds, definition.offsetSeconds)
    case 'sliding':
      return panes(
        greatestCommonDivisor(definition.sizeSeconds, definition.slideSeconds),
        definition.offsetSeconds,
      )
    case 'session':
      return panes(definition.gapSeconds)
    case 'running':
      return { width: Number.POSITIVE_INFINITY, offset: 0 }
  }
}

/** Where the pane that holds this event time starts; right for times before 1970. */
export function paneStart({ width, offset }: Panes, eventTime: Micros): Micros {
  if (width === Number.POSITIVE_INFINITY) return offset
  return Math.floor((eventTime - offset) / width) * width + offset
}

/** The windows of fixed size that hold a pane, oldest first. */
export function windowsOfPane(
  definition: TumblingWindow | SlidingWindow,
  start: Micros,
): readonly TimeWindow[] {
  const size = definition.sizeSeconds * MICROS_PER_SECOND
  if (definition.kind === 'tumbling') return [{ start, end: start + size }]
  const slide = definition.slideSeconds * MICROS_PER_SECOND
  const offset = (definition.offsetSeconds ?? 0) * MICROS_PER_SECOND
  const { width } = panesOf(definition)
  const windows: TimeWindow[] = []
  // The last one starts at or before the pane, the first one still reaches its end.
  const last = Math.floor((start - offset) / slide) * slide + offset
  for (let at = last; at + size >= start + width; at -= slide) {
    windows.push({ start: at, end: at + size })
  }
  return windows.reverse()
}

/** The window of fixed size that holds this time and ends first: how it stood most recently then. */
export function windowAt(
  definition: TumblingWindow | SlidingWindow,
  eventTime: Micros,
): TimeWindow | undefined {
  return windowsOfPane(definition, paneStart(panesOf(definition), eventTime))[0]
}

function panes(widthSeconds: number, offsetSeconds = 0): Panes {
  return {
    width: widthSeconds * MICROS_PER_SECOND,
    offset: offsetSeconds * MICROS_PER_SECOND,
  }
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
