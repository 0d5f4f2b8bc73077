import { Cell, type CellSettings } from './cell/cell.ts'
import type { Choices } from './kernel/choices.ts'
import { type Choose, Scheduler } from './kernel/scheduler.ts'
import { Trace } from './kernel/trace.ts'

export interface TraceOptions {
  /** Takes each line of the trace. */
  readonly write?: (line: string) => void
  /** Whether the steps are hashed; `write` implies it. */
  readonly isTraced?: boolean
}

export interface CellRun {
  readonly events: number
  readonly turns: number
  readonly failure?: string
  readonly hash?: string
}

/** In the evening before clocks go forward in Europe, and soon another day. */
export const START_MS = Date.UTC(2026, 2, 28, 21, 30)

/**
 * One cell's life: what `begin` starts happens, everything comes to rest and is drained; then what stood still all
 * the while goes on, and it has to come to the same.
 */
export async function runCell(
  options: CellSettings & { readonly choices: Choices; readonly choose?: Choose } & TraceOptions,
  begin: (cell: Cell) => void,
): Promise<CellRun> {
  const { write, isTraced = write !== undefined, choose } = options
  const trace = isTraced ? new Trace(write) : undefined
  const scheduler: Scheduler = new Scheduler({
    startMs: START_MS,
    ...(choose && { choose }),
    ...(trace && { onTurn: (turn, nowMs) => trace.add(nowMs, turn.actor, `> ${turn.label}`) }),
  })
  const log = (actor: string, what: string) => trace?.add(scheduler.nowMs, actor, `  ${what}`)
  const cell = new Cell({ ...options, scheduler, log })
  let failure: string | undefined
  try {
    begin(cell)
    await cell.drain()
    cell.network.isParking = false
    if (scheduler.releaseParked() > 0) await cell.drain()
  } catch (error) {
    failure = messageOf(error)
    trace?.add(scheduler.nowMs, '', failure)
  }
  return {
    events: cell.received(),
    turns: scheduler.turns,
    ...(failure === undefined ? {} : { failure }),
    ...(trace && { hash: trace.hash() }),
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.name === 'Violation' ? error.message : (error.stack ?? error.message)
}
