import { ApplicableDeletes } from '../applicable-deletes.ts'
import type { TableName } from '../catalog.ts'
import type { CommitOptions, CommitResult } from '../commit.ts'
import type { DataFile } from '../data-file.ts'
import type { DeleteFile } from '../delete-file.ts'
import { refuseOnHold } from '../fences.ts'
import { fileMatch } from '../predicate/files-that-match.ts'
import { ALWAYS, type Predicate } from '../predicate/predicate.ts'
import type { TableSchema } from '../schema.ts'
import type { LiveDataFile } from '../snapshot-contents.ts'
import type { Lake, Table } from '../table.ts'
import { specJson } from '../table-metadata.ts'
import { type RowsToDelete, writePositionDeletes } from '../write-position-deletes.ts'
import { type ChangesSince, changesSince, conflict } from './changes-since.ts'
import { commitOnce } from './commit-once.ts'

/** Rows that go and rows that come in one snapshot: a merge, an update, an erasure. */
export interface RowDelta {
  /** The snapshot that it was decided by; undefined for a table that was empty. */
  readonly basedOn: bigint | undefined
  /** Rows of data files that were live then. */
  readonly deletes: readonly RowsToDelete[]
  /** Files of new rows, which stand in the store. @default none */
  readonly files?: readonly DataFile[]
  readonly schema?: TableSchema
  /** Rows that nobody may have appended since: those that a merge would have had to look at. @default none */
  readonly noAppends?: Predicate
  /**
   * Whether others may have deleted rows of the same data files since. Then a row that both delete is deleted once; one
   * that the other has deleted and that comes back changed here is there again. @default false
   */
  readonly othersMayDelete?: boolean
  readonly summary?: Readonly<Record<string, string>>
  readonly setProperties?: (snapshotId: bigint) => Readonly<Record<string, string>>
}

/** Orphan removal spares objects for a day. */
const FRESH_MS = 12 * 3_600_000

/**
 * Commits a row delta: files that delete rows by position, and files of new rows, in one snapshot. What others have
 * appended meanwhile stays. Throws `lake.inputGone` if a data file is not live any more (somebody has compacted it),
 * `lake.conflict` if a requirement does not hold any more, `lake.onHold`, and what `commit` throws; nothing is committed
 * then.
 */
export async function commitRowDelta(
  lake: Lake,
  name: TableName,
  delta: RowDelta,
  options: CommitOptions = {},
): Promise<CommitResult> {
  const { deletes, files = [], schema, summary = {}, setProperties = () => ({}) } = delta
  const live = deletes.map(({ data }) => data.file.path)
  let written: { readonly files: readonly DeleteFile[]; readonly atMs: number } | undefined
  return await commitOnce(
    lake,
    name,
    async (table) => {
      refuseOnHold(table)
      await requireUnchanged(lake, table, delta)
      const atMs = lake.clock.nowMs()
      if (written === undefined || atMs - written.atMs > FRESH_MS) {
        written = { files: await writePositionDeletes(lake, table, deletes), atMs }
      }
      return {
        files,
        deletes: written.files,
        live,
        ...(schema && { schema }),
        summary,
        setProperties,
      }
    },
    options,
  )
}

async function requireUnchanged(lake: Lake, table: Table, delta: RowDelta): Promise<void> {
  const { basedOn, deletes, noAppends, othersMayDelete = false } = delta
  if (othersMayDelete && noAppends === undefined) return
  if (table.currentSnapshot?.snapshotId === basedOn) return
  const since = await changesSince(lake.objects, table, basedOn)
  if (noAppends) refuseAppends(table, since, noAppends)
  if (othersMayDelete) return
  const index = new ApplicableDeletes(table.metadata, since.deletes)
  const ours = new Set(deletes.map(({ data }) => data.file.path))
  const { data } = await table.contents()
  const both = data.find((one) => ours.has(one.file.path) && index.to(one).length > 0)
  if (both)
    throw conflict(table, `rows of ${both.file.path} were deleted`, { path: both.file.path })
}

/** Throws `lake.conflict` if a file that was appended can hold rows that are meant. */
export function refuseAppends(
  { metadata, schema, name }: Table,
  { appended }: Pick<ChangesSince, 'appended'>,
  where: Predicate = ALWAYS,
): void {
  const found = appended.find((one) => mayMatch({ metadata, schema }, one, where))
  if (!found) return
  const { path } = found.file
  throw conflict({ name }, `${path} was appended, which may hold rows that this change is about`, {
    path,
  })
}

/** Whether a file can hold rows that are meant. */
export function mayMatch(
  { metadata, schema }: Pick<Table, 'metadata' | 'schema'>,
  { file, specId }: LiveDataFile,
  where: Predicate,
): boolean {
  return fileMatch(where, schema, file, specJson(metadata, specId)).mayMatch
}
