import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import { BackfillCell } from './backfill-cell.ts'
import { eventContract, type TestEvent } from './event-product.ts'

export const HOUR = 3_600_000_000
export const DAY = 24 * HOUR
export const FIRST = Date.UTC(2025, 11, 1) * 1000
export const SHARD = 's0'
/** It has had no event yet: what comes there is late for no window, and revises final ones. */
export const IDLE = 's1'

const HOURLY: WindowDefinition = { kind: 'tumbling', sizeSeconds: 3600 }

export function amountsView(changes: Partial<ViewDefinition> = {}): ViewDefinition {
  return {
    name: 'amounts',
    description: '',
    key: 'key',
    window: HOURLY,
    aggregates: [
      { name: 'events', function: 'count' },
      { name: 'total', function: 'sum', field: 'amount' },
    ],
    freshnessSeconds: 60,
    owner: 'pricing',
    ...changes,
  }
}

let sent = 0

export function event(time: number, key: string, amount: number): TestEvent {
  return { id: `e${sent++}`, key, time, amount }
}

export interface DaysOptions {
  readonly window?: WindowDefinition
  /** Between two events of a key. @default 3 */
  readonly everyHours?: number
}

/**
 * Six days with two keys, and in the days after the first three an event each that came too late for the stream: these are in
 * the table and in no window.
 */
export async function cellOf(options: DaysOptions = {}): Promise<BackfillCell> {
  const { window = HOURLY, everyHours = 3 } = options
  const contract = eventContract({
    allowedLatenessSeconds: 0,
    outOfOrdernessSeconds: 0,
    partitioning: [],
  })
  const cell = new BackfillCell(contract, [amountsView({ window })])
  const events: TestEvent[] = []
  for (let at = FIRST; at < FIRST + 6 * DAY; at += everyHours * HOUR) {
    events.push(event(at, 'a', 100), event(at + HOUR / 2, 'b', 250))
  }
  await cell.send(SHARD, FIRST + 6 * DAY, events)
  await cell.live()
  await cell.live()
  const late = [1, 2, 3].map((day) => event(FIRST + day * DAY + 5 * HOUR, 'late', 999))
  await cell.send(SHARD, FIRST + 50 * DAY, late)
  await cell.cell.commit()
  await cell.live()
  return cell
}
