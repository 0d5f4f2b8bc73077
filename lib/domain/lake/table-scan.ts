import { type ColumnBatch, takeRows } from '../kernel/columns.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import { LiveRowReader } from './live-rows.ts'
import { fileMatch, manifestMayMatch } from './predicate/files-that-match.ts'
import { ALWAYS, columnsOf, type Predicate } from './predicate/predicate.ts'
import { rowsThatMatch } from './predicate/rows-that-match.ts'
import type { TableSchema } from './schema.ts'
import { contentsOf, type LiveDataFile, specOfManifest } from './snapshot-contents.ts'
import type { Table } from './table.ts'
import { currentSnapshotOf, type SnapshotJson, specJson } from './table-metadata.ts'

/** A data file that can hold rows that are asked for. */
export interface PlannedFile {
  readonly data: LiveDataFile
  /** Whether all of its rows are asked for, as its metadata tells. */
  readonly allMatch: boolean
}

/** The files of a snapshot that can hold rows that are asked for, and what reads them without deleted rows. */
export interface ScanPlan {
  readonly files: readonly PlannedFile[]
  readonly reader: LiveRowReader
}

/**
 * Which files of a table can hold rows that are asked for: those that neither their partition nor their bounds rule out.
 * Of the current snapshot, or of another one, always by the columns as they are called in the table's schema now. Throws
 * `lake.badPredicate`.
 */
export async function planScan(
  objects: Pick<ObjectStore, 'get'>,
  { metadata, schema }: Table,
  where: Predicate = ALWAYS,
  snapshot: SnapshotJson | undefined = currentSnapshotOf(metadata),
): Promise<ScanPlan> {
  columnsOf(where, schema)
  const { data, deletes } = await contentsOf(
    objects,
    metadata,
    snapshot,
    (manifest) =>
      manifest.content === 1 ||
      manifestMayMatch(where, schema, manifest, specOfManifest(metadata, manifest)),
  )
  const files = data.flatMap((one): PlannedFile[] => {
    const match = fileMatch(where, schema, one.file, specJson(metadata, one.specId))
    return match.mayMatch ? [{ data: one, allMatch: match.allMatch }] : []
  })
  return { files, reader: new LiveRowReader(objects, metadata, deletes) }
}

/** The rows of a planned file that are asked for and not deleted, in its order. */
export async function readPlanned(
  { reader }: Pick<ScanPlan, 'reader'>,
  { data, allMatch }: PlannedFile,
  schema: TableSchema,
  where: Predicate = ALWAYS,
): Promise<ColumnBatch> {
  const { batch } = await reader.read(data, schema)
  if (allMatch) return batch
  const matches = rowsThatMatch(where, schema, batch)
  const rows = Int32Array.from({ length: batch.rows }, (_, row) => row)
  return takeRows(
    batch,
    rows.filter((row) => matches[row] === 1),
  )
}
