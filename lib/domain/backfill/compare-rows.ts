import type { Contract } from '#lib/domain/contract/contract.ts'
import { type Column, type ColumnBatch, isNull } from '#lib/domain/kernel/columns.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  encodeFinalRows,
  type FinalRow,
  finalRowKeys,
  valueTexts,
} from '#lib/domain/process/feature-table.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { ChunkRecord, FeatureCounts } from './chunk-record.ts'

type Counts = Pick<
  ChunkRecord,
  'rowsBefore' | 'rowsAfter' | 'rowsSame' | 'rowsAdded' | 'rowsGone' | 'features'
>

interface MutableCounts {
  nullsBefore: number
  nullsAfter: number
  sumBefore: number | null
  sumAfter: number | null
  leastAfter: number | null
  greatestAfter: number | null
  rowsDifferent: number
}

/**
 * Holds computed rows against those that are there. A row whose values are the same stays as it is, with its revision and
 * age; another one becomes the next revision of it.
 */
export class RowComparison {
  readonly #view: ViewDefinition
  readonly #contract: Contract
  readonly #names: readonly string[]
  readonly #present = new Map<string, { readonly row: FinalRow; readonly texts: Texts }>()
  readonly #features: Record<string, MutableCounts>
  readonly #counts = { rowsBefore: 0, rowsAfter: 0, rowsSame: 0, rowsAdded: 0 }

  constructor(view: ViewDefinition, contract: Contract) {
    this.#view = view
    this.#contract = contract
    this.#names = view.aggregates.map(({ name }) => name)
    this.#features = Object.fromEntries(
      view.aggregates.map((one) => {
        const { kind } = aggregateOf(one, contract).resultType
        const none = NUMBERS.has(kind) ? 0 : null
        return [
          one.name,
          {
            nullsBefore: 0,
            nullsAfter: 0,
            sumBefore: none,
            sumAfter: none,
            leastAfter: null,
            greatestAfter: null,
            rowsDifferent: 0,
          },
        ]
      }),
    )
  }

  /** Rows of the feature table as they stand. */
  addPresent(batch: ColumnBatch): void {
    const ages = (batch.columns.get('computed_at') as Extract<Column, { kind: 'int64' }>).values
    for (const [at, found] of finalRowKeys(this.#view, this.#contract, batch).entries()) {
      const row: FinalRow = { ...found, computedAtMs: Number(ages[at]! / 1000n), values: [] }
      this.#present.set(idOf(row), { row, texts: valueTexts(batch, at, this.#names) })
      this.#counts.rowsBefore++
    }
    this.#count(batch, 'nullsBefore', 'sumBefore')
  }

  /** Computed rows, in any order and number of calls, each once; answers them as they shall be written. */
  addComputed(rows: readonly FinalRow[]): ColumnBatch {
    const sorted = rows.toSorted(
      (a, b) => a.windowStart - b.windowStart || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
    )
    const encoded = encodeFinalRows(this.#view, this.#contract, sorted)
    this.#count(encoded, 'nullsAfter', 'sumAfter')
    const numbered = sorted.map((row, at) => this.#numbered(row, encoded, at))
    return encodeFinalRows(this.#view, this.#contract, numbered)
  }

  counts(): Counts {
    const { rowsBefore, rowsAfter, rowsAdded } = this.#counts
    // Every row after is one that was there or one that was not.
    const rowsGone = rowsBefore - (rowsAfter - rowsAdded)
    return { ...this.#counts, rowsGone, features: this.#features satisfies FeaturesOf }
  }

  #numbered(row: FinalRow, encoded: ColumnBatch, at: number): FinalRow {
    this.#counts.rowsAfter++
    const present = this.#present.get(idOf(row))
    if (present === undefined) {
      this.#counts.rowsAdded++
      return row
    }
    const texts = valueTexts(encoded, at, this.#names)
    const different = this.#names.filter((name) => texts[name] !== present.texts[name])
    for (const name of different) this.#features[name]!.rowsDifferent++
    const { revision, computedAtMs } = present.row
    if (different.length > 0) return { ...row, revision: revision + 1 }
    this.#counts.rowsSame++
    return { ...row, revision, computedAtMs }
  }

  #count(
    batch: ColumnBatch,
    nulls: 'nullsBefore' | 'nullsAfter',
    sum: 'sumBefore' | 'sumAfter',
  ): void {
    for (const name of this.#names) {
      const column = batch.columns.get(name)!
      const feature = this.#features[name]!
      for (let row = 0; row < batch.rows; row++) {
        if (isNull(column, row)) {
          feature[nulls]++
          continue
        }
        if (feature[sum] === null) continue
        const value = this.#numberAt(name, column, row)
        feature[sum] += value
        if (sum === 'sumBefore') continue
        feature.leastAfter = Math.min(feature.leastAfter ?? value, value)
        feature.greatestAfter = Math.max(feature.greatestAfter ?? value, value)
      }
    }
  }

  #numberAt(name: string, column: Column, row: number): number {
    const definition = this.#view.aggregates.find((one) => one.name === name)!
    const { resultType } = aggregateOf(definition, this.#contract)
    const { values } = column as Extract<Column, { kind: 'int32' | 'int64' | 'float64' }>
    const value = Number(values[row])
    return resultType.kind === 'decimal' ? value / 10 ** resultType.scale : value
  }
}

type Texts = Readonly<Record<string, string>>
type FeaturesOf = Readonly<Record<string, FeatureCounts>>

const NUMBERS: ReadonlySet<string> = new Set(['int', 'long', 'double', 'decimal'])

function idOf({
  key,
  windowStart,
  windowEnd,
}: Pick<FinalRow, 'key' | 'windowStart' | 'windowEnd'>) {
  return `${windowStart}/${windowEnd}/${key}`
}

/** The counts of several chunks together. */
export function sumOfCounts(records: readonly Counts[]): Counts {
  const features: Record<string, FeatureCounts> = {}
  for (const record of records) {
    for (const [name, one] of Object.entries(record.features)) {
      const before = features[name]
      features[name] = before === undefined ? one : sumOfFeatures(before, one)
    }
  }
  const sum = (of: (record: Counts) => number) => records.reduce((all, one) => all + of(one), 0)
  return {
    rowsBefore: sum((one) => one.rowsBefore),
    rowsAfter: sum((one) => one.rowsAfter),
    rowsSame: sum((one) => one.rowsSame),
    rowsAdded: sum((one) => one.rowsAdded),
    rowsGone: sum((one) => one.rowsGone),
    features,
  }
}

function sumOfFeatures(a: FeatureCounts, b: FeatureCounts): FeatureCounts {
  return {
    nullsBefore: a.nullsBefore + b.nullsBefore,
    nullsAfter: a.nullsAfter + b.nullsAfter,
    sumBefore: added(a.sumBefore, b.sumBefore),
    sumAfter: added(a.sumAfter, b.sumAfter),
    leastAfter: of(Math.min, a.leastAfter, b.leastAfter),
    greatestAfter: of(Math.max, a.greatestAfter, b.greatestAfter),
    rowsDifferent: a.rowsDifferent + b.rowsDifferent,
  }
}

function added(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b
}

function of(choose: (a: number, b: number) => number, a: number | null, b: number | null) {
  return a === null || b === null ? (a ?? b) : choose(a, b)
}
