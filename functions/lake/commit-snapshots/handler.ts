import { PlatformError } from '#lib/domain/kernel/errors.ts'
import {
  type CommitReport,
  type CommitSnapshotsDependencies,
  commitSnapshots,
} from '#lib/domain/lake/commit-snapshots.ts'
import type { Log } from '#lib/domain/ops/log.ts'
import { mergeChanges } from '#lib/domain/process/latest/merge-changes.ts'

export interface CommitSnapshotsHandlerDependencies extends CommitSnapshotsDependencies {
  readonly log: Log
}

/** What is left of an invocation's time, as Lambda tells it. */
export interface InvocationTime {
  getRemainingTimeInMillis(): number
}

/** A merge of a hundred thousand changes takes seconds, and its commit may have to be repeated. */
const RESERVED_MS = 60_000

/** Merging rewrites files: once a minute is often enough. */
function isSweep(bell: unknown): boolean {
  return (bell as { bell?: unknown } | null)?.bell === 'sweep'
}

/**
 * Commits what the journal has past the table's fences. The event is only a bell: a journal record, the sweep, a
 * person; with the sweep, the newest changes of rows are merged too. Throws after committing what it could if a shard
 * has to wait: its chain has a gap, what its next batch wrote cannot be read, or that was judged by a version that is
 * not deployed here. So the alarm sounds.
 */
export function makeHandler({ log, ...deps }: CommitSnapshotsHandlerDependencies) {
  return async (bell: unknown, time?: InvocationTime): Promise<CommitReport> => {
    const report = await commitSnapshots(deps)
    if (report.commits > 0) log.info('committed', { ...report })
    if (isSweep(bell)) {
      const shallStop = () => (time?.getRemainingTimeInMillis() ?? RESERVED_MS) < RESERVED_MS
      const merged = await mergeChanges({ ...deps, shallStop })
      if (merged.commits > 0) log.info('merged', { ...merged })
    }
    if (report.gaps.length > 0) {
      throw new PlatformError(
        'journal.gap',
        `entries are missing in the journal: ${report.gaps.map((gap) => `${gap.shard} after ${gap.fence}`).join(', ')}`,
        { context: { gaps: report.gaps } },
      )
    }
    const [first] = report.unreadable
    if (first !== undefined) {
      for (const waiting of report.unreadable) log.error('shard waits', { ...waiting })
      const more = report.unreadable.length - 1
      throw new PlatformError(
        'verdicts.unreadable',
        `shard ${first.shard} waits after ${first.fence}: ${first.reason}${more > 0 ? `, and ${more} more` : ''}`,
        { retryable: true, context: { unreadable: report.unreadable } },
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
