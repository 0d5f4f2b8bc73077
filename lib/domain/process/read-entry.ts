import type { Contract } from '#lib/domain/contract/contract.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { admittedOf } from '#lib/domain/ingest/major-starts.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
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
import { groupRows } from './group-rows.ts'
import { keyCodes } from './key-codes.ts'
import { lateFrom, latenessOf, mayHoldLate } from './lateness.ts'
import type { ViewDefinition } from './view.ts'
import { panesOf } from './window.ts'

/** What one entry adds to one (key, pane). */
export interface PanePartial {
  readonly key: string
  readonly paneStart: Micros
  readonly eventTime: { readonly min: Micros; readonly max: Micros }
  /** State per aggregate name. */
  readonly states: Readonly<Record<string, unknown>>
}

/** Rows that came too late for a view, of one contract. */
export interface LateBatch {
  readonly batch: ColumnBatch
  /** The rows of the batch that are late. */
  readonly rows: readonly number[]
}

export interface EntryReading {
  readonly partials: readonly PanePartial[]
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
  const algebras = view.aggregates.map((one) => [one.name, aggregateOf(one, contract)] as const)
  const aggregated = algebras.flatMap(([, algebra]) => algebra.columns)
  const names = new Set([view.key, ...aggregated, ...place])
  const read = await readFiles(sources, contract, ofMajor(files, contract), names)
  const panes = panesOf(view.window)
  const merged = new Map<string, PanePartial>()
  const lateBatches: LateBatch[] = []
  for (const { file, batch, eventTimes } of read) {
    const keys = keyCodes(batch.columns.get(view.key)!, batch.rows, scaleOf(contract, view.key))
    const mask = late.get(file.path)
    const grouped = groupRows(keys, eventTimes, batch.rows, panes, mask)
    const states = algebras.map(
      ([name, algebra]) =>
        [name, algebra.addBatch(batch, grouped.groups, grouped.count), algebra] as const,
    )
    for (let group = 0; group < grouped.count; group++) {
      const key = keys.text(grouped.codes[group]!)
      const paneStart = grouped.paneStarts[group]!
      const id = `${paneStart}/${key}`
      const before = merged.get(id)
      const min = grouped.minEventTimes[group]!
      const max = grouped.maxEventTimes[group]!
      merged.set(id, {
        key,
        paneStart,
        eventTime: {
          min: Math.min(min, before?.eventTime.min ?? min),
          max: Math.max(max, before?.eventTime.max ?? max),
        },
        states: Object.fromEntries(
          states.map(([name, byGroup, algebra]) => {
            const state = byGroup[group]
            return [name, before === undefined ? state : algebra.merge(before.states[name], state)]
          }),
        ),
      })
    }
    if (mask !== undefined) lateBatches.push({ batch, rows: rowsIn(mask, keys.codes) })
  }
  return { partials: [...merged.values()], late: lateBatches.filter(({ rows }) => rows.length > 0) }
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

export function scaleOf(contract: Contract, name: string): number {
  const type = contract.fields.find((field) => field.name === name)?.type
  return type?.kind === 'decimal' ? type.scale : 0
}
