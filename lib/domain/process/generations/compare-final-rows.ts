import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { sessionCloses } from '../closed-windows.ts'
import { featureTableName, featureTableSchema, finalRowKeys, valueTexts } from '../feature-table.ts'
import { closedOf } from '../finalize-windows.ts'
import { contractOfView, type ViewDefinition } from '../view.ts'
import { isWhole } from '../whole-windows.ts'
import type { TimeWindow } from '../window.ts'
import type { CompareDependencies, ComparedRange, Differences, Tally, ViewPair } from './compare.ts'
import type { Sides } from './compare-slots.ts'
import { engineName } from './generations.ts'

/** Rows whose values are in memory at once. */
const ROWS_AT_ONCE = 500_000

/** A feature table of one generation as it stood at one read. */
interface FeatureTable {
  readonly view: ViewDefinition
  readonly closed: number
  readonly files: ReadonlyMap<string, readonly DataFile[]>
}

/** Final rows of windows that both generations have closed; null if one of them has no table. */
export async function compareFinalRows(
  deps: CompareDependencies,
  sides: Sides,
  pair: ViewPair,
  range: ComparedRange,
  differences: Differences,
): Promise<Tally | null> {
  const contract = contractOfView(pair.left, deps.contracts)
  const left = await tableOf(deps, contract, pair.left, sides.left)
  const right = await tableOf(deps, contract, pair.right, sides.right)
  if (left === undefined || right === undefined) return null
  const run: Run = {
    deps,
    pair,
    contract,
    range,
    closed: Math.min(left.closed, right.closed),
    differences,
    tally: { equal: 0, different: 0, onlyLeft: 0, onlyRight: 0 },
  }
  const days = [...new Set([...left.files.keys(), ...right.files.keys()])].sort()
  for (const day of days) {
    const lefts = left.files.get(day) ?? []
    const rights = right.files.get(day) ?? []
    const rows = [...lefts, ...rights].reduce((sum, file) => sum + file.recordCount, 0)
    const portions = Math.max(1, Math.ceil(rows / ROWS_AT_ONCE))
    for (let portion = 0; portion < portions; portion++) {
      await comparePortion(run, { left, lefts, right, rights }, { portion, portions })
    }
  }
  return run.tally
}

interface Run {
  readonly deps: CompareDependencies
  readonly pair: ViewPair
  readonly contract: Contract
  readonly range: ComparedRange
  /** Up to where windows are closed in both. */
  readonly closed: number
  readonly differences: Differences
  readonly tally: { equal: number; different: number; onlyLeft: number; onlyRight: number }
}

interface Day {
  readonly left: FeatureTable
  readonly lefts: readonly DataFile[]
  readonly right: FeatureTable
  readonly rights: readonly DataFile[]
}

interface Portion {
  readonly portion: number
  readonly portions: number
}

interface Row {
  readonly key: string
  readonly window: TimeWindow
  readonly values: Readonly<Record<string, string>>
}

async function comparePortion(run: Run, day: Day, portion: Portion): Promise<void> {
  const { tally } = run
  const expected = new Map<string, Row>()
  for await (const row of rowsOf(run, day.left, day.lefts, portion)) expected.set(idOf(row), row)
  for await (const row of rowsOf(run, day.right, day.rights, portion)) {
    const other = expected.get(idOf(row))
    expected.delete(idOf(row))
    if (other === undefined) {
      tally.onlyRight++
      list(run, undefined, row)
    } else if (run.pair.common.every((name) => other.values[name] === row.values[name])) {
      tally.equal++
    } else {
      tally.different++
      list(run, other, row)
    }
  }
  for (const row of expected.values()) {
    tally.onlyLeft++
    list(run, row, undefined)
  }
}

async function* rowsOf(
  { deps, pair, contract, range, closed }: Run,
  { view }: FeatureTable,
  files: readonly DataFile[],
  portion: Portion,
): AsyncGenerator<Row> {
  const wanted = new Set([view.key, 'window_start', 'window_end', 'revision', ...pair.common])
  const fields = featureTableSchema(view, contract).fields.filter(({ name }) => wanted.has(name))
  for (const { path } of files) {
    const batch: ColumnBatch = await decodeFields(await deps.lake.objects.get(path), fields)
    for (const [row, found] of finalRowKeys(view, contract, batch).entries()) {
      const window = { start: found.windowStart, end: found.windowEnd }
      if (!isCompared(view, range, window, closed)) continue
      const one = { key: found.key, window }
      if (portionOf(idOf(one), portion) !== portion.portion) continue
      yield { ...one, values: valueTexts(batch, row, pair.common) }
    }
  }
}

function isCompared(
  { window: definition }: ViewDefinition,
  { from, to }: ComparedRange,
  window: TimeWindow,
  closed: number,
): boolean {
  const closes = definition.kind === 'session' ? sessionCloses(definition, window) : window.end
  if (closes > closed || (to !== undefined && window.end > to)) return false
  return isWhole(definition, from, window)
}

async function tableOf(
  { lake, database }: CompareDependencies,
  { product }: Contract,
  view: ViewDefinition,
  generation: string,
): Promise<FeatureTable | undefined> {
  const name = featureTableName(product, view, engineName(generation).generation)
  const table = await loadTable(lake, { database, name })
  if (table === undefined) return undefined
  const files = Map.groupBy(await table.liveFiles(), ({ partition }) =>
    String(partition.window_start_day),
  )
  return { view, closed: closedOf(table), files }
}

function list({ pair, differences }: Run, left: Row | undefined, right: Row | undefined): void {
  const { key, window } = (left ?? right)!
  differences.add({
    view: pair.name,
    what: 'final row',
    key,
    window: { start: isoOf(window.start), end: isoOf(window.end) },
    left: left === undefined ? null : left.values,
    right: right === undefined ? null : right.values,
  })
}

function idOf({ key, window }: Pick<Row, 'key' | 'window'>): string {
  return `${window.start}/${window.end}/${key}`
}

function portionOf(id: string, { portions }: Portion): number {
  if (portions === 1) return 0
  return Number.parseInt(contentHash(Buffer.from(id)).slice(0, 8), 16) % portions
}
