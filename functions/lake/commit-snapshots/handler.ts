import { PlatformError } from '#lib/domain/kernel/errors.ts'
import {
  type CommitReport,
  type CommitSnapshotsDependencies,
  commitSnapshots,
} from '#lib/domain/lake/commit-snapshots.ts'
import type { Log } from '#lib/domain/ops/log.ts'

export interface CommitSnapshotsHandlerDependencies extends CommitSnapshotsDependencies {
  readonly log: Log
}

/**
 * Commits what the journal has past the table's fences. The event is only a bell: a journal record, the sweep, a
 * person. Throws after committing what it could if a shard's chain has a gap, or its next batch was judged by a
 * version that is not deployed here, so that the alarm sounds.
 */
export function makeHandler({ log, ...deps }: CommitSnapshotsHandlerDependencies) {
  return async (_bell: unknown): Promise<CommitReport> => {
    const report = await commitSnapshots(deps)
    if (report.commits > 0) log.info('committed', { ...report })
    if (report.gaps.length > 0) {
      throw new PlatformError(
        'journal.gap',
        `entries are missing in the journal: ${report.gaps.map((gap) => `${gap.shard} after ${gap.fence}`).join(', ')}`,
        { context: { gaps: report.gaps } },
      )
    }
    if (report.unknownVersions.length > 0) {
      throw new PlatformError(
        'contract.versionUnknown',
        `batches wait for a deployment that knows their contract: ${report.unknownVersions.join(', ')}`,
        { retryable: true, context: { versions: report.unknownVersions } },
      )
    }
    return report
  }
}
