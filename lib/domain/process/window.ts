import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import type { TumblingWindow } from './view.ts'

/** Half-open: start inclusive, end exclusive. */
export interface TimeWindow {
  readonly start: Micros
  readonly end: Micros
}

/** The window that holds this event time; right for times before 1970. */
export function windowOf(definition: TumblingWindow, eventTime: Micros): TimeWindow {
  const size = definition.sizeSeconds * MICROS_PER_SECOND
  const start = Math.floor(eventTime / size) * size
  return { start, end: start + size }
}
