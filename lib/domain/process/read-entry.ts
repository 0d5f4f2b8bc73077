import type { Contract } from '#lib/domain/contract/contract.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { aggregateRows, type PanePartials } from './aggregate-rows.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import {
  type EntrySources,
  filesOfEntry,
  type LateRows,
  lateRows,
  ofMajor,
  PLACE_COLUMNS,
  readFiles,
} from './entry-rows.ts'
import { lateFrom, latenessOf, mayHoldLate } from './lateness.ts'
import type { ViewDefinition } from './view.ts'
import { panesOf } from './window.ts'

/** Rows that came too late for a view, of one contract. */
export interface LateBatch {
  readonly batch: ColumnBatch
  /** The rows of the batch that are late. */
  readonly rows: readonly number[]
}

export interface EntryReading {
  /** Of each file; several may have the same key and pane. */
  readonly partials: readonly PanePartials[]
  readonly late: readonly LateBatch[]
}

const NOTHING: EntryReading = { partials: [], late: [] }

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
  const aggregated = view.aggregates.flatMap((one) => aggregateOf(one, contract).columns)
  const names = new Set([view.key, ...aggregated, ...place])
  const read = await readFiles(sources, contract, ofMajor(files, contract), names)
  const partials: PanePartials[] = []
  const lateBatches: LateBatch[] = []
  for (const { file, batch } of read) {
    const mask = late.get(file.path)
    const aggregated = aggregateRows(view, contract, batch, mask)
    partials.push(aggregated.partials)
    if (mask !== undefined) lateBatches.push({ batch, rows: rowsIn(mask, aggregated.keys.codes) })
  }
  return { partials, late: lateBatches.filter(({ rows }) => rows.length > 0) }
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
function rowsIn(mask: Uint8Array, codes: Int32Array): readonly number[] {
  const rows: number[] = []
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 1 && codes[row] !== -1) rows.push(row)
  }
  return rows
}
