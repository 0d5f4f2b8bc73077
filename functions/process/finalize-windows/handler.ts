import type { Log } from '#lib/domain/ops/log.ts'
import {
  type FinalizeReport,
  type FinalizeWindowsDependencies,
  finalizeWindows,
} from '#lib/domain/process/finalize-windows.ts'

export interface FinalizeWindowsHandlerDependencies extends FinalizeWindowsDependencies {
  readonly log: Log
}

/** Closes the windows that the watermark has passed. The event is only a bell. */
export function makeHandler({ log, ...deps }: FinalizeWindowsHandlerDependencies) {
  return async (_bell: unknown): Promise<FinalizeReport> => {
    const report = await finalizeWindows(deps)
    if (report.commits > 0) log.info('windows finalized', { ...report })
    return report
  }
}
