import { PlatformError } from '../kernel/errors.ts'
import type { SnapshotJson } from './table-metadata.ts'

/** In the summary of a snapshot that is more than an append of Weir's: which work it was. */
export const OPERATION = 'weir.operation'

/** What a summary counts of a file. */
export interface CountedFile {
  /** Equal for files of one partition. */
  readonly partition: Readonly<Record<string, unknown>>
  readonly recordCount: number
  readonly sizeBytes: number
}

/** What a summary counts of a file that deletes rows. */
export interface CountedDeletes extends CountedFile {
  readonly kind: 'positions' | 'equality'
}

export interface ChangedFiles {
  readonly added: readonly CountedFile[]
  readonly removed: readonly CountedFile[]
  readonly addedDeletes?: readonly CountedDeletes[]
  readonly removedDeletes?: readonly CountedDeletes[]
  /** Whether the added files hold the very rows of the removed ones. */
  readonly isRewrite: boolean
  /** Rows of the removed files that were deleted before: they need not be in the added ones. @default 0 */
  readonly deletedRows?: number
}

/**
 * A snapshot's summary, with Iceberg's own counts; `extra` may add to them but not replace them. Throws
 * `lake.rowsDiffer` for a rewrite that would lose or double rows.
 */
export function snapshotSummary(
  previous: SnapshotJson | undefined,
  {
    added,
    removed,
    addedDeletes = [],
    removedDeletes = [],
    isRewrite,
    deletedRows = 0,
  }: ChangedFiles,
  extra: Readonly<Record<string, string>>,
): Record<string, string> {
  const [more, less] = [tally(added), tally(removed)]
  if (isRewrite && more.rows !== less.rows - deletedRows) {
    const had = deletedRows === 0 ? '' : `, ${deletedRows} of them deleted,`
    throw new PlatformError(
      'lake.rowsDiffer',
      `files of ${less.rows} rows${had} cannot be rewritten as files of ${more.rows}`,
    )
  }
  const [moreDeletes, lessDeletes] = [deleteTally(addedDeletes), deleteTally(removedDeletes)]
  const changed = [...added, ...removed, ...addedDeletes, ...removedDeletes]
  const partitions = new Set(changed.map((file) => partitionKey(file)))
  const addedBytes = more.bytes + moreDeletes.bytes
  const removedBytes = less.bytes + lessDeletes.bytes
  const isNothing = changed.length === 0
  return {
    ...extra,
    operation: isRewrite
      ? 'replace'
      : operationOf(more.files, less.files + lessDeletes.files, moreDeletes.files),
    ...((added.length > 0 || isNothing) && {
      'added-data-files': String(more.files),
      'added-records': String(more.rows),
    }),
    ...deleteCounts('added', moreDeletes),
    ...((addedBytes > 0 || isNothing) && { 'added-files-size': String(addedBytes) }),
    ...(removed.length > 0 && {
      'deleted-data-files': String(less.files),
      'deleted-records': String(less.rows),
    }),
    ...deleteCounts('removed', lessDeletes),
    ...(removedBytes > 0 && { 'removed-files-size': String(removedBytes) }),
    'changed-partition-count': String(partitions.size),
    ...total(previous, 'total-records', more.rows - less.rows),
    ...total(previous, 'total-files-size', addedBytes - removedBytes),
    ...total(previous, 'total-data-files', more.files - less.files),
    ...total(previous, 'total-delete-files', moreDeletes.files - lessDeletes.files),
    ...total(previous, 'total-position-deletes', moreDeletes.positions - lessDeletes.positions),
    ...total(previous, 'total-equality-deletes', moreDeletes.equality - lessDeletes.equality),
  }
}

function operationOf(added: number, removed: number, addedDeletes: number): string {
  if (removed === 0 && addedDeletes === 0) return 'append'
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

function deleteTally(files: readonly CountedDeletes[]) {
  const positions = files.filter(({ kind }) => kind === 'positions')
  const equality = files.filter(({ kind }) => kind === 'equality')
  return {
    files: files.length,
    bytes: tally(files).bytes,
    positionFiles: positions.length,
    positions: tally(positions).rows,
    equalityFiles: equality.length,
    equality: tally(equality).rows,
  }
}

/** Said only of what there is. */
function deleteCounts(
  word: 'added' | 'removed',
  counts: ReturnType<typeof deleteTally>,
): Record<string, string> {
  const told: readonly (readonly [string, number])[] = [
    ['delete-files', counts.files],
    ['position-delete-files', counts.positionFiles],
    ['position-deletes', counts.positions],
    ['equality-delete-files', counts.equalityFiles],
    ['equality-deletes', counts.equality],
  ]
  return Object.fromEntries(
    told.flatMap(([key, count]) => (count === 0 ? [] : [[`${word}-${key}`, String(count)]])),
  )
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
