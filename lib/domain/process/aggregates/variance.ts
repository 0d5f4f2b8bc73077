import type { Field } from '#lib/domain/contract/contract.ts'
import { scaleOf } from '#lib/domain/contract/scalar.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { type Aggregate, NEAREST_DOUBLE } from './aggregate.ts'
import { doubleSums } from './double-sums.ts'
import {
  DYADIC,
  type Dyadic,
  type DyadicForm,
  integer,
  minus,
  plus,
  quotient,
  times,
  WHOLE,
  ZERO,
} from './dyadic.ts'
import { columnOf, groupsOfValues, rowsOfGroups } from './grouped-rows.ts'
import { integerSquares } from './integer-squares.ts'
import { countFromStored, readStored, type StoredForm, writeStored } from './stored-state.ts'
import { columnSums } from './sum.ts'

/** The first moments, exact: that the variance is a small difference of them costs no digit. */
export interface VarianceState {
  /** Rows that have a value. */
  readonly count: number
  readonly sum: Dyadic
  readonly squares: Dyadic
}

const INTEGERS = formOf('variance/1', WHOLE)
const DOUBLES = formOf('doubleVariance/1', DYADIC)

/** Sums of doubles have 538 digits of hex at most, those of their squares twice as many. */
const DOUBLE_STATE_BYTES = 1_700
const INTEGER_STATE_BYTES = 140

/**
 * The double nearest to the exact variance, over all values (population) or as an estimate of what they were drawn
 * from (sample, n − 1), which a single value has none of. Null where it is beyond the doubles.
 */
export function varianceAggregate(
  name: string,
  field: Field,
  of: 'population' | 'sample',
): Aggregate<VarianceState> {
  const isDouble = field.type.kind === 'double'
  const form = isDouble ? DOUBLES : INTEGERS
  const unit = 10n ** BigInt(2 * scaleOf(field.type))
  const fewer = of === 'sample' ? 1 : 0
  return {
    columns: [field.name],
    create: () => ({ count: 0, sum: ZERO, squares: ZERO }),
    addBatch(batch, groups, groupCount) {
      const column = columnOf(batch, field.name)
      const present = groupsOfValues(column, groups)
      const counts = rowsOfGroups(present, groupCount)
      const sums = columnSums(column, present, groupCount)
      const squares = columnSquares(column, present, groupCount)
      return sums.map((sum, group) => ({
        count: counts[group]!,
        sum,
        squares: squares[group]!,
      }))
    },
    merge: (a, b) => ({
      count: a.count + b.count,
      sum: plus(a.sum, b.sum),
      squares: plus(a.squares, b.squares),
    }),
    finish({ count, sum, squares }) {
      if (count <= fewer) return null
      const scaled = minus(times(integer(BigInt(count)), squares), times(sum, sum))
      const variance = quotient(scaled, BigInt(count) * BigInt(count - fewer) * unit)
      return Number.isFinite(variance) ? variance : null
    },
    toStored: (state) => writeStored(form, state),
    fromStored: (stored) => readStored(name, form, stored),
    maxStoredBytes: isDouble ? DOUBLE_STATE_BYTES : INTEGER_STATE_BYTES,
    resultType: { kind: 'double' },
    error: NEAREST_DOUBLE,
  }
}

function columnSquares(column: Column, groups: Int32Array, groupCount: number): Dyadic[] {
  return column.kind === 'float64'
    ? doubleSums(column.values, groups, groupCount, 2)
    : integerSquares(column, groups, groupCount).map(integer)
}

/** One for population and sample, which differ only at the end. */
function formOf(tag: string, total: DyadicForm): StoredForm<VarianceState> {
  return {
    tag,
    write: ({ count, sum, squares }) => [count, total.toStored(sum), total.toStored(squares)],
    readers: {
      [tag](parts) {
        const count = countFromStored(parts[0])
        const sum = total.fromStored(parts[1])
        const squares = total.fromStored(parts[2])
        if (count === undefined || sum === undefined || squares === undefined) return undefined
        return { count, sum, squares }
      },
    },
  }
}
