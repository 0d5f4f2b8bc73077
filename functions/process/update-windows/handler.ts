import type { Log } from '#lib/domain/ops/log.ts'
import {
  type UpdateReport,
  type UpdateWindowsDependencies,
  updateWindows,
} from '#lib/domain/process/update-windows.ts'

export interface UpdateWindowsHandlerDependencies extends UpdateWindowsDependencies {
  readonly log: Log
}

/** Applies what the journal has past the views' cursors. The event is only a bell. */
export function makeHandler({ log, ...deps }: UpdateWindowsHandlerDependencies) {
  return async (_bell: unknown): Promise<UpdateReport> => {
    const report = await updateWindows(deps)
    if (report.entries > 0) log.info('windows updated', { ...report })
    return report
  }
}
