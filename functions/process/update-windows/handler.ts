import type { Log } from '#lib/domain/ops/log.ts'
import type { BusySign } from '#lib/domain/process/busy-sign.ts'
import {
  type UpdateGenerationsDependencies,
  updateGenerations,
} from '#lib/domain/process/generations/feed-generations.ts'
import { NOTHING_DONE, type UpdateReport } from '#lib/domain/process/update-windows.ts'

export interface UpdateWindowsHandlerDependencies extends UpdateGenerationsDependencies {
  readonly log: Log
  /** Put up while an invocation works for long. @default nobody asks */
  readonly busy?: BusySign
}

/**
 * Applies what the journal has past the views' cursors, in every generation that goes on with the stream. The event is only
 * a bell; the sweep's says that nothing more is waited for, because the next bell may be a minute away; where
 * somebody is at work, it is not needed: each minute another one would apply the same entries beside him.
 */
export function makeHandler({ log, busy, ...deps }: UpdateWindowsHandlerDependencies) {
  return async (bell: unknown): Promise<UpdateReport> => {
    const now = isSweep(bell)
    if (now && (await busy?.isUp()) === true) return NOTHING_DONE
    const update = () => updateGenerations(deps, { now })
    const report = await (busy === undefined ? update() : busy.during(update))
    if (report.entries > 0) log.info('windows updated', { ...report })
    return report
  }
}

function isSweep(bell: unknown): boolean {
  return typeof bell === 'object' && bell !== null && 'bell' in bell && bell.bell === 'sweep'
}
