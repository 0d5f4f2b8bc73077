import type { Contract } from '#lib/domain/contract/contract.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import { type ColumnBatch, isNull } from '#lib/domain/kernel/columns.ts'
import {
  type EntrySources,
  filesOfEntry,
  type LateRows,
  lateRows,
  ofMajor,
  PLACE_COLUMNS,
  readFiles,
} from './entry-rows.ts'
import { shapedRows } from './expressions/view-rows.ts'
import { lateFrom, latenessOf, mayHoldLate } from './lateness.ts'
import { rowsOfView, type ViewDefinition } from './view.ts'
import { storedColumnsOf } from './view-columns.ts'
import { panesOf } from './window.ts'

/** Rows that came too late for a view, of one contract. */
export interface LateBatch {
  readonly batch: ColumnBatch
  /** The rows of the batch that are late. */
  readonly rows: readonly number[]
}

/** Rows of an entry's file, with the columns that a view needs. */
export interface ViewBatch {
  readonly batch: ColumnBatch
  /** Rows that the view's filter leaves out or that came too late for it, as 1; undefined if there are none. */
  readonly leftOut: Uint8Array | undefined
}

export interface EntryReading {
  /** Of each file. */
  readonly batches: readonly ViewBatch[]
  readonly late: readonly LateBatch[]
}

const NOTHING: EntryReading = { batches: [], late: [] }

/** What an entry holds for a view, reading only the columns that the view needs. A function of the entry alone. */
export async function readEntry(
  sources: EntrySources,
  view: ViewDefinition,
  contract: Contract,
  entry: JournalEntry,
): Promise<EntryReading> {
  if (admittedOf(entry, majorOf(contract.version)) === 0) return NOTHING
  const files = await filesOfEntry(sources, entry)
  const late = await lateRowsOf(sources, view, entry, files)
  const place = late.size > 0 ? PLACE_COLUMNS.map(({ name }) => name) : []
  const shape = rowsOfView(view, contract)
  const names = storedColumnsOf(view, contract, place)
  const read = await readFiles(sources, contract, ofMajor(files, contract), names)
  const batches: ViewBatch[] = []
  const lateBatches: LateBatch[] = []
  for (const { file, batch: stored } of read) {
    const { batch, leftOut } = shapedRows(shape, stored)
    const lateMask = late.get(file.path)
    batches.push({ batch, leftOut: eitherMask(leftOut, lateMask) })
    if (lateMask === undefined) continue
    // What the filter leaves out would have been nobody's in time, too.
    const rows = keyedRowsIn(lateMask, batch, view.key).filter((row) => leftOut?.[row] !== 1)
    if (rows.length > 0) lateBatches.push({ batch, rows })
  }
  return { batches, late: lateBatches }
}

function eitherMask(
  one: Uint8Array | undefined,
  other: Uint8Array | undefined,
): Uint8Array | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return one.map((bit, row) => bit | other[row]!)
}

async function lateRowsOf(
  sources: EntrySources,
  view: ViewDefinition,
  entry: JournalEntry,
  files: Awaited<ReturnType<typeof filesOfEntry>>,
): Promise<LateRows> {
  // What was in force when the batch was decided: another attempt, much later, must come to the same.
  const lateness = latenessOf(sources.contracts.inForce(entry.contractVersion).named)
  const endOf = lateFrom(panesOf(view.window), view.window.kind === 'session')
  if (lateness === undefined || !mayHoldLate(lateness, endOf, entry)) return new Map()
  return lateRows(sources, entry, files, lateness, endOf)
}

/** A late row without the key would have been nobody's in time, too. */
function keyedRowsIn(mask: Uint8Array, { columns }: ColumnBatch, key: string): readonly number[] {
  const keys = columns.get(key)!
  const rows: number[] = []
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 1 && !isNull(keys, row)) rows.push(row)
  }
  return rows
}
