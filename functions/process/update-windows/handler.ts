import type { Log } from '#lib/domain/ops/log.ts'
import {
  type UpdateGenerationsDependencies,
  updateGenerations,
} from '#lib/domain/process/generations/feed-generations.ts'
import type { UpdateReport } from '#lib/domain/process/update-windows.ts'

export interface UpdateWindowsHandlerDependencies extends UpdateGenerationsDependencies {
  readonly log: Log
}

/**
 * Applies what the journal has past the views' cursors, in every generation that goes on with the stream. The event is only
 * a bell; the sweep's says that nothing more is waited for, because the next bell may be a minute away.
 */
export function makeHandler({ log, ...deps }: UpdateWindowsHandlerDependencies) {
  return async (bell: unknown): Promise<UpdateReport> => {
    const report = await updateGenerations(deps, { now: isSweep(bell) })
    if (report.entries > 0) log.info('windows updated', { ...report })
    return report
  }
}

function isSweep(bell: unknown): boolean {
  return typeof bell === 'object' && bell !== null && 'bell' in bell && bell.bell === 'sweep'
}
