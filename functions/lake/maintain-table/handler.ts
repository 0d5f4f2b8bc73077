import { z } from 'zod'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Log } from '#lib/domain/ops/log.ts'
import {
  type MaintainTableDependencies,
  type MaintenanceRun,
  maintainTable,
} from '#lib/domain/ops/maintenance/maintain-table.ts'
import { MAINTENANCE_STEPS } from '#lib/domain/ops/maintenance/maintenance-record.ts'

export interface MaintainTableHandlerDependencies
  extends Omit<MaintainTableDependencies, 'shallStop'> {
  readonly log: Log
}

/** What is left of an invocation's time, as Lambda tells it. */
export interface InvocationTime {
  getRemainingTimeInMillis(): number
}

/** Begun work takes seconds, removing a thousand objects or rewriting one file; the rest is for the commit and the record. */
const RESERVED_MS = 4 * 60_000

const runOf = z.object({
  run: z.string().min(1).max(200),
  number: z.int().min(0).default(0),
  next: z.object({ table: z.string(), step: z.enum(MAINTENANCE_STEPS) }).optional(),
})

/**
 * Does one step of a run and answers how far it is, for whoever calls again with the answer until it is `done`. Answers the
 * rest of its input as it came, since the caller may keep its own state there.
 */
export function makeHandler({ log, ...deps }: MaintainTableHandlerDependencies) {
  return async (event: unknown, time: InvocationTime): Promise<MaintenanceRun> => {
    const parsed = runOf.safeParse(event)
    if (!parsed.success) {
      throw new PlatformError(
        'maintenance.badRequest',
        'begin with {"run": "<a name of its own>"}, and go on with what the last call answered',
      )
    }
    const { next, ...run } = parsed.data
    const shallStop = () => time.getRemainingTimeInMillis() < RESERVED_MS
    const answer = await maintainTable(
      { ...deps, shallStop },
      { ...run, ...(next && { next }), done: false },
    )
    log.info('maintained', { run: run.run, number: run.number, next: answer.next ?? null })
    const { next: _before, ...kept } = event as Record<string, unknown>
    return { ...kept, ...answer }
  }
}
