import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { type Column, type ColumnBatch, isNull } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { AggregateDefinition } from './view.ts'

/** A finished value. Sums of integers and decimals are exact; `null` where nothing was aggregated. */
export type AggregateValue = number | Decimal | null

/**
 * An aggregate as an algebra: `merge` is associative and commutative, so shards, panes and replays may be
 * combined in any order to the same result. `State` is JSON and part of what is stored: a change of its shape
 * needs a new version in the slot.
 */
export interface Aggregate<State> {
  create(): State
  /** Adds rows of a batch. */
  add(state: State, batch: ColumnBatch, rows: readonly number[]): State
  merge(a: State, b: State): State
  finish(state: State): AggregateValue
}

/** Count and unscaled sum, as digits: JSON has no 64-bit integers. */
interface SumState {
  readonly count: number
  readonly sum: string
}

/** The algebra of a definition over this contract's columns. Throws `view.invalid`. */
export function aggregateOf(
  definition: AggregateDefinition,
  contract: Contract,
): Aggregate<unknown> {
  if (definition.function === 'count') return count as Aggregate<unknown>
  const field = contract.fields.find((one) => one.name === definition.field)
  const scale = field === undefined ? undefined : scaleOf(field)
  if (scale === undefined) {
    throw new PlatformError(
      'view.invalid',
      `aggregate "${definition.name}": ${definition.function} needs an int, long or decimal field, not "${definition.field}"`,
    )
  }
  return sumAggregate(definition.field, scale, definition.function) as Aggregate<unknown>
}

const count: Aggregate<number> = {
  create: () => 0,
  add: (state, _batch, rows) => state + rows.length,
  merge: (a, b) => a + b,
  finish: (state) => state,
}

function sumAggregate(field: string, scale: number, kind: 'sum' | 'mean'): Aggregate<SumState> {
  return {
    create: () => ({ count: 0, sum: '0' }),
    add(state, batch, rows) {
      const column = batch.columns.get(field)!
      let sum = BigInt(state.sum)
      let counted = state.count
      for (const row of rows) {
        if (isNull(column, row)) continue
        sum += integerAt(column, row)
        counted++
      }
      return { count: counted, sum: String(sum) }
    },
    merge: (a, b) => ({ count: a.count + b.count, sum: String(BigInt(a.sum) + BigInt(b.sum)) }),
    finish(state) {
      if (state.count === 0) return null
      const sum = new Decimal(BigInt(state.sum), scale)
      return kind === 'sum' ? sum : sum.toNumber() / state.count
    },
  }
}

function scaleOf(field: Field): number | undefined {
  if (field.type.kind === 'int' || field.type.kind === 'long') return 0
  return field.type.kind === 'decimal' ? field.type.scale : undefined
}

function integerAt(column: Column, row: number): bigint {
  if (column.kind === 'int32') return BigInt(column.values[row]!)
  if (column.kind === 'int64') return column.values[row]!
  throw new PlatformError('view.invalid', `a ${column.kind} column cannot be summed exactly`)
}
