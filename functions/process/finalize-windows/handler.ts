import type { Log } from '#lib/domain/ops/log.ts'
import type { FinalizeReport } from '#lib/domain/process/finalize-windows.ts'
import {
  type FinalizeGenerationsDependencies,
  finalizeGenerations,
} from '#lib/domain/process/generations/feed-generations.ts'

export interface FinalizeWindowsHandlerDependencies extends FinalizeGenerationsDependencies {
  readonly log: Log
}

/**
 * Closes the windows that the watermark has passed, in every generation that goes on with the stream. The event is only a
 * bell.
 */
export function makeHandler({ log, ...deps }: FinalizeWindowsHandlerDependencies) {
  return async (_bell: unknown): Promise<FinalizeReport> => {
    const report = await finalizeGenerations(deps)
    if (report.commits > 0) log.info('windows finalized', { ...report })
    return report
  }
}
