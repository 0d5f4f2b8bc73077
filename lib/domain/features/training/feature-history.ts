import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { type Column, microsOf } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import type { TableField } from '#lib/domain/lake/schema.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { FEATURE_TIME_COLUMN } from '#lib/domain/process/feature-table.ts'
import { KeyDictionary } from '#lib/domain/process/key-dictionary.ts'
import { latenessOf } from '#lib/domain/process/lateness.ts'
import { keyScaleOf, type ViewDefinition } from '#lib/domain/process/view.ts'
import { valueAt } from './column-values.ts'

/** The sweep that writes final rows rings each minute. */
const SWEEP = 60 * MICROS_PER_SECOND
/** A row's values with what they are filed under take some hundred bytes. */
export const MOST_HISTORY_ROWS = 5_000_000

/** A final row of a view's feature table, as a label may be joined with it. */
export interface HistoryRow {
  readonly windowEnd: Micros
  /** From then on a reader could have had it. */
  readonly knownAt: Micros
  readonly values: readonly (Value | null)[]
}

export interface FeatureHistory {
  readonly view: ViewDefinition
  /** The feature columns of the table, in the order of the definition. */
  readonly columns: readonly TableField[]
  /** Each key's rows by the time that they were known. */
  readonly byKey: ReadonlyMap<string, readonly HistoryRow[]>
}

/**
 * When a row was known. A final row is written once the watermark has passed its window's end by the allowed lateness:
 * in event time that is the end + lateness + the bound on disorder, and a minute's sweep more. That holds for history that
 * was sent or replayed later, too, where `computed_at` says only when somebody computed it. A row that was revised holds
 * what came after it was known first: it counts as known when it was written, and what it was before is not there any
 * more, so a label in between gets the window before.
 */
export function knownAt(
  contract: Contract,
  row: { readonly windowEnd: Micros; readonly revision: number; readonly computedAt: Micros },
): Micros {
  const { bound = 0, allowed = 0 } = latenessOf(contract) ?? {}
  const final = row.windowEnd + allowed + bound + SWEEP
  return row.revision === 0 ? final : Math.max(final, row.computedAt)
}

/** All rows of windows that start in [from, to). Throws `features.tooMuchHistory` for more than memory holds. */
export async function readHistory(
  objects: Pick<ObjectStore, 'get'>,
  table: Table,
  view: ViewDefinition,
  contract: Contract,
  { from, to }: { readonly from: Micros; readonly to: Micros },
): Promise<FeatureHistory> {
  const column = FEATURE_TIME_COLUMN
  const where = {
    kind: 'and',
    of: [
      { kind: 'compare', column, op: '>=', value: BigInt(from) },
      { kind: 'compare', column, op: '<', value: BigInt(to) },
    ],
  } as const
  const columns = view.aggregates.map(({ name }) => {
    const field = table.schema.fields.find((one) => one.name === name)
    if (field !== undefined) return field
    throw new PlatformError('features.noColumn', `table ${table.name.name} has no column ${name}`)
  })
  const scan = await planScan(objects, table, where)
  const count = scan.files.reduce((sum, { data }) => sum + data.file.recordCount, 0)
  if (count > MOST_HISTORY_ROWS) {
    throw new PlatformError(
      'features.tooMuchHistory',
      `${table.name.name} has ${count} rows in the time of the labels, at most ${MOST_HISTORY_ROWS} are joined at once: make training sets of less time`,
    )
  }
  const byKey = new Map<string, HistoryRow[]>()
  for (const file of scan.files) {
    const batch = await readPlanned(scan, file, table.schema, where)
    const keys = new KeyDictionary(keyScaleOf(contract, view.key))
    const codes = keys.codesOf(batch.columns.get(view.key)!, batch.rows)
    const micros = (name: string) => microsOf(batch.columns.get(name) as Int64)
    const [windowEnd, computedAt] = [micros('window_end'), micros('computed_at')]
    const { values: revisions } = batch.columns.get('revision') as Int32
    for (let row = 0; row < batch.rows; row++) {
      const key = keys.text(codes[row]!)
      const at = {
        windowEnd: windowEnd(row),
        computedAt: computedAt(row),
        revision: revisions[row]!,
      }
      const values = columns.map(({ name }) => valueAt(batch.columns.get(name)!, row))
      const one = { windowEnd: at.windowEnd, knownAt: knownAt(contract, at), values }
      const known = byKey.get(key)
      if (known === undefined) byKey.set(key, [one])
      else known.push(one)
    }
  }
  for (const rows of byKey.values()) {
    rows.sort((a, b) => a.knownAt - b.knownAt || a.windowEnd - b.windowEnd)
  }
  return { view, columns, byKey }
}

/** The newest window that was known at a time; undefined if none was. */
export function asOf(rows: readonly HistoryRow[] | undefined, at: Micros): HistoryRow | undefined {
  let newest: HistoryRow | undefined
  for (const row of rows ?? []) {
    if (row.knownAt > at) break
    if (newest === undefined || row.windowEnd >= newest.windowEnd) newest = row
  }
  return newest
}

type Int64 = Extract<Column, { kind: 'int64' }>
type Int32 = Extract<Column, { kind: 'int32' }>
