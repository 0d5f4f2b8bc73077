import { scaleOf } from '#lib/domain/contract/scalar.ts'
import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { MICROS_PER_SECOND, type Micros } from '#lib/domain/kernel/time.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  encodeFinalRows,
  FEATURE_TIME_COLUMN,
  finalRowKeys,
  valueTexts,
} from '#lib/domain/process/feature-table.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import type { BatchView } from '../batch/batch-states.ts'
import { finalRowsOf } from '../batch/batch-windows.ts'
import { computeBatch } from '../batch/compute-chunk.ts'
import { planBatch } from '../batch/plan-batch.ts'

/** How one feature was served beside what the batch says, over the windows that both have. */
export interface FeatureSkew {
  readonly feature: string
  readonly compared: number
  readonly equal: number
  /** Of numbers that differ: the greatest and the mean of |served − batch|, and that of |served − batch| / |batch|. */
  readonly greatestDifference: number | null
  readonly meanDifference: number | null
  readonly meanRelativeDifference: number | null
}

export interface SkewReport {
  readonly view: string
  readonly from: Micros
  readonly to: Micros
  /** Windows that were served and that the batch does not have, and the other way round. */
  readonly onlyServed: number
  readonly onlyBatch: number
  readonly features: readonly FeatureSkew[]
}

const DAY = 86_400 * MICROS_PER_SECOND

/**
 * Holds the final rows of a view, which are what its readers were served once a window was over, against the batch over the
 * curated table, for windows that start in [from, to): what differs is what came too late for the stream, what was
 * removed since, or a fault. A day at a time.
 */
export async function reportSkew(
  objects: Pick<ObjectStore, 'get'>,
  view: BatchView,
  tables: { readonly curated: Table; readonly features: Table; readonly closed: Micros },
  { from, to }: { readonly from: Micros; readonly to: Micros },
): Promise<SkewReport> {
  const tallies = view.view.aggregates.map((one) => {
    // Decimals stand in columns without their point.
    const { resultType } = aggregateOf(one, view.contract)
    return new Tally(one.name, 10 ** scaleOf(resultType))
  })
  let [onlyServed, onlyBatch] = [0, 0]
  for (let day = Math.floor(from / DAY) * DAY; day < to; day += DAY) {
    const range = { from: Math.max(from, day), to: Math.min(to, day + DAY) }
    const served = await servedRows(objects, view, tables.features, range)
    const batch = await batchRows(objects, view, tables, range)
    for (const [id, values] of served) {
      const other = batch.get(id)
      if (other === undefined) onlyServed++
      else for (const tally of tallies) tally.add(values[tally.feature]!, other[tally.feature]!)
    }
    for (const id of batch.keys()) if (!served.has(id)) onlyBatch++
  }
  return {
    view: view.view.name,
    from,
    to,
    onlyServed,
    onlyBatch,
    features: tallies.map((one) => one.result()),
  }
}

type Values = Readonly<Record<string, string>>

async function servedRows(
  objects: Pick<ObjectStore, 'get'>,
  view: BatchView,
  table: Table,
  { from, to }: { readonly from: Micros; readonly to: Micros },
): Promise<ReadonlyMap<string, Values>> {
  const column = FEATURE_TIME_COLUMN
  const where = {
    kind: 'and',
    of: [
      { kind: 'compare', column, op: '>=', value: BigInt(from) },
      { kind: 'compare', column, op: '<', value: BigInt(to) },
    ],
  } as const
  const found = new Map<string, Values>()
  const scan = await planScan(objects, table, where)
  for (const file of scan.files) {
    addRows(found, view, await readPlanned(scan, file, table.schema, where))
  }
  return found
}

async function batchRows(
  objects: Pick<ObjectStore, 'get'>,
  view: BatchView,
  { curated, closed }: { readonly curated: Table; readonly closed: Micros },
  { from, to }: { readonly from: Micros; readonly to: Micros },
): Promise<ReadonlyMap<string, Values>> {
  const margin = reachOf(view.view.window)
  const plan = await planBatch(objects, curated, view, { from: from - margin, to: to + margin })
  const keys = await computeBatch({ objects, table: curated, view }, plan)
  const isWanted = ({ start, end }: { start: Micros; end: Micros }) =>
    start >= from && start < to && end <= closed
  const rows = keys.flatMap((one) => finalRowsOf(view, one, { isWanted, computedAtMs: 0 }))
  const found = new Map<string, Values>()
  addRows(found, view, encodeFinalRows(view.view, view.contract, rows))
  return found
}

/** How far beyond a range a window that starts in it may reach; sessions are as long as they are, and mostly shorter. */
function reachOf(window: WindowDefinition): number {
  switch (window.kind) {
    case 'session':
      return 24 * window.gapSeconds * MICROS_PER_SECOND
    case 'running':
      return 0
    default:
      return window.sizeSeconds * MICROS_PER_SECOND
  }
}

function addRows(
  found: Map<string, Values>,
  { view, contract }: BatchView,
  batch: ColumnBatch,
): void {
  const names = view.aggregates.map(({ name }) => name)
  for (const [row, { key, windowStart }] of finalRowKeys(view, contract, batch).entries()) {
    found.set(JSON.stringify([key, windowStart]), valueTexts(batch, row, names))
  }
}

class Tally {
  readonly feature: string
  readonly #unit: number
  #compared = 0
  #equal = 0
  #greatest: number | null = null
  #sum = 0
  #relative = 0
  #numbers = 0

  constructor(feature: string, unit: number) {
    this.feature = feature
    this.#unit = unit
  }

  add(served: string, batch: string): void {
    this.#compared++
    if (served === batch) {
      this.#equal++
      return
    }
    const [one, other] = [Number(served) / this.#unit, Number(batch) / this.#unit]
    // Of what is no number it only counts that it differs.
    if (!Number.isFinite(one) || !Number.isFinite(other)) return
    const difference = Math.abs(one - other)
    this.#greatest = Math.max(this.#greatest ?? 0, difference)
    this.#sum += difference
    this.#relative += other === 0 ? 1 : difference / Math.abs(other)
    this.#numbers++
  }

  result(): FeatureSkew {
    const numbers = this.#numbers
    return {
      feature: this.feature,
      compared: this.#compared,
      equal: this.#equal,
      greatestDifference: this.#greatest,
      meanDifference: numbers === 0 ? null : this.#sum / numbers,
      meanRelativeDifference: numbers === 0 ? null : this.#relative / numbers,
    }
  }
}
