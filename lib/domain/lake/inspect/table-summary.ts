import { HOLD_PROPERTY } from '../fences.ts'
import { tally } from '../snapshot-summary.ts'
import type { Table } from '../table.ts'

/** What a table amounts to, as it stands. */
export interface TableSummary {
  /** Without those that are deleted, as far as deletes are by position; what deletes by value takes is not counted off. */
  readonly rows: number
  readonly files: number
  readonly bytes: number
  /** Of one file; 0 without files. */
  readonly averageFileBytes: number
  /** As many as are retained. */
  readonly snapshots: number
  /** Of the current snapshot, ms; undefined before the first. */
  readonly committedAtMs?: number
  /** Why nothing is committed until a person releases the table. */
  readonly onHold?: string
}

/**
 * Counted from the current snapshot's summary, or from the files themselves where an engine has left that out; files that
 * delete rows are read.
 */
export async function summarizeTable(table: Table): Promise<TableSummary> {
  const current = table.currentSnapshot
  const counts =
    current === undefined ? NONE : (told(current.summary) ?? tally(await table.liveFiles()))
  const hasDeletes = current !== undefined && current.summary['total-delete-files'] !== '0'
  const onHold = table.properties[HOLD_PROPERTY]
  return {
    ...counts,
    rows: counts.rows - (hasDeletes ? await table.deletedRows() : 0),
    averageFileBytes: counts.files === 0 ? 0 : Math.round(counts.bytes / counts.files),
    snapshots: table.metadata.snapshots.length,
    ...(current && { committedAtMs: current.timestampMs }),
    ...(onHold !== undefined && { onHold }),
  }
}

interface Counts {
  readonly rows: number
  readonly files: number
  readonly bytes: number
}

const NONE: Counts = { rows: 0, files: 0, bytes: 0 }

/** The totals of a snapshot's summary; undefined if one is missing. */
export function told(summary: Readonly<Record<string, string>>): Counts | undefined {
  const [rows, files, bytes] = [
    summary['total-records'],
    summary['total-data-files'],
    summary['total-files-size'],
  ]
  if (rows === undefined || files === undefined || bytes === undefined) return undefined
  return { rows: Number(rows), files: Number(files), bytes: Number(bytes) }
}
