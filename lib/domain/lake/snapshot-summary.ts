import { PlatformError } from '../kernel/errors.ts'
import type { SnapshotJson } from './table-metadata.ts'

/** In the summary of a snapshot that maintenance made: which work it was. */
export const OPERATION = 'weir.operation'

/** What a summary counts of a file. */
export interface CountedFile {
  /** Equal for files of one partition. */
  readonly partition: Readonly<Record<string, unknown>>
  readonly recordCount: number
  readonly sizeBytes: number
}

export interface ChangedFiles {
  readonly added: readonly CountedFile[]
  readonly removed: readonly CountedFile[]
  /** Whether the added files hold the very rows of the removed ones. */
  readonly isRewrite: boolean
}

/**
 * A snapshot's summary, with Iceberg's own counts; `extra` may add to them but not replace them. Throws
 * `lake.rowsDiffer` for a rewrite that would lose or double rows.
 */
export function snapshotSummary(
  previous: SnapshotJson | undefined,
  { added, removed, isRewrite }: ChangedFiles,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const [more, less] = [tally(added), tally(removed)]
  if (isRewrite && more.rows !== less.rows) {
    throw new PlatformError(
      'lake.rowsDiffer',
      `files of ${less.rows} rows cannot be rewritten as files of ${more.rows}`,
    )
  }
  const partitions = new Set([...added, ...removed].map((file) => partitionKey(file)))
  return {
    ...extra,
    operation: isRewrite ? 'replace' : operationOf(more.files, less.files),
    ...(removed.length === 0 || added.length > 0
      ? {
          'added-data-files': String(more.files),
          'added-records': String(more.rows),
          'added-files-size': String(more.bytes),
        }
      : {}),
    ...(removed.length > 0 && {
      'deleted-data-files': String(less.files),
      'deleted-records': String(less.rows),
      'removed-files-size': String(less.bytes),
    }),
    'changed-partition-count': String(partitions.size),
    ...total(previous, 'total-records', more.rows - less.rows),
    ...total(previous, 'total-files-size', more.bytes - less.bytes),
    ...total(previous, 'total-data-files', more.files - less.files),
    ...total(previous, 'total-delete-files', 0),
    ...total(previous, 'total-position-deletes', 0),
    ...total(previous, 'total-equality-deletes', 0),
  }
}

function operationOf(added: number, removed: number): string {
  if (removed === 0) return 'append'
  return added === 0 ? 'delete' : 'overwrite'
}

function partitionKey({ partition }: CountedFile): string {
  return JSON.stringify(Object.entries(partition).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** What files amount to. */
export function tally(files: readonly Pick<CountedFile, 'recordCount' | 'sizeBytes'>[]) {
  return {
    files: files.length,
    rows: files.reduce((sum, file) => sum + file.recordCount, 0),
    bytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
  }
}

/** A total goes on from the parent's; where another engine left it out it stays out, rather than be wrong. */
function total(
  previous: SnapshotJson | undefined,
  key: string,
  change: number,
): Record<string, string> {
  const before = previous ? previous.summary[key] : '0'
  return before === undefined ? {} : { [key]: String(BigInt(before) + BigInt(change)) }
}
