import type { Field, FieldType } from '#lib/domain/contract/contract.ts'
import { scaleOf } from '#lib/domain/contract/scalar.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { IntegerSums } from './accumulated-integers.ts'
import { type Aggregate, type AggregateValue, EXACT, NEAREST_DOUBLE } from './aggregate.ts'
import { doubleSums } from './double-sums.ts'
import { DYADIC, type Dyadic, type DyadicForm, quotient, WHOLE } from './dyadic.ts'
import { columnOf, groupsOfValues, rowsOfGroups } from './grouped-rows.ts'
import { integerSums } from './integer-sums.ts'
import { countFromStored, readStored, type StoredForm, writeStored } from './stored-state.ts'
import {
  dyadicOf,
  NOTHING,
  plusTotals,
  type Total,
  totalFromStored,
  totalToStored,
} from './total.ts'

/** Exact also beyond the result type: later rows may bring the sum back into it. Decimals are unscaled. */
export interface SumState {
  /** Rows that have a value. */
  readonly count: number
  readonly sum: Total
}

/** Of a sum and a mean alike: a view that asks for the other one can go on from its states. */
const INTEGERS = {
  ...formOf('sum/1', WHOLE),
  readUntagged(stored: unknown) {
    const { count, sum } = (stored ?? {}) as { count?: unknown; sum?: unknown }
    return stateOf(count, totalFromStored(WHOLE, sum))
  },
}
const DOUBLES = formOf('doubleSum/1', DYADIC)

/** Decimals have 18 digits. */
const DECIMAL_LIMIT = 10n ** 18n

/** Tag, count, and the longest sum of doubles: 2,046 exponents, 53 bits, and the carries of 2^53 rows, in hex. */
const DOUBLE_STATE_BYTES = 580
const INTEGER_STATE_BYTES = 72

/**
 * The exact sum. Its result has the field's own unit: 64 bits of integers, 18 digits of decimals, a double; a sum
 * beyond them finishes as null, while the state goes on exactly.
 */
export function sumAggregate(name: string, field: Field): Aggregate<SumState> {
  const resultType = sumType(field.type)
  return {
    ...summed(name, field),
    finish: ({ count, sum }) => (count === 0 ? null : fitted(sum, resultType)),
    resultType,
    error: field.type.kind === 'double' ? NEAREST_DOUBLE : EXACT,
  }
}

/** The double nearest to the exact sum divided by the rows that have a value. */
export function meanAggregate(name: string, field: Field): Aggregate<SumState> {
  const unit = 10n ** BigInt(scaleOf(field.type))
  return {
    ...summed(name, field),
    finish: ({ count, sum }) =>
      count === 0 ? null : quotient(dyadicOf(sum), BigInt(count) * unit),
    resultType: { kind: 'double' },
    error: NEAREST_DOUBLE,
  }
}

/** The exact sum of each group, of any numeric column. */
export function columnSums(column: Column, groups: Int32Array, groupCount: number): Dyadic[] {
  return column.kind === 'float64'
    ? doubleSums(column.values, groups, groupCount, 1)
    : integerSums(column, groups, groupCount).map(dyadicOf)
}

function summed(name: string, field: Field) {
  const form = field.type.kind === 'double' ? DOUBLES : INTEGERS
  return {
    columns: [field.name],
    create: (): SumState => ({ count: 0, sum: NOTHING }),
    addBatch: ((batch, groups, groupCount) => {
      const column = columnOf(batch, field.name)
      const present = groupsOfValues(column, groups)
      const counts = rowsOfGroups(present, groupCount)
      const sums: readonly Total[] =
        column.kind === 'float64'
          ? columnSums(column, present, groupCount)
          : integerSums(column, present, groupCount)
      return sums.map((sum, group) => ({ count: counts[group]!, sum }))
    }) satisfies Aggregate<SumState>['addBatch'],
    ...(field.type.kind === 'double' ? {} : { accumulator: () => new IntegerSums(field.name) }),
    merge: (a: SumState, b: SumState): SumState => ({
      count: a.count + b.count,
      sum: plusTotals(a.sum, b.sum),
    }),
    toStored: (state: SumState) => writeStored(form, state),
    fromStored: (stored: unknown) => readStored(name, form, stored),
    maxStoredBytes: field.type.kind === 'double' ? DOUBLE_STATE_BYTES : INTEGER_STATE_BYTES,
  }
}

function formOf(tag: string, total: DyadicForm): StoredForm<SumState> {
  return {
    tag,
    write: ({ count, sum }) => [count, totalToStored(total, sum)],
    readers: { [tag]: ([count, sum]) => stateOf(count, totalFromStored(total, sum)) },
  }
}

function stateOf(count: unknown, sum: Total | undefined): SumState | undefined {
  const rows = countFromStored(count)
  return rows === undefined || sum === undefined ? undefined : { count: rows, sum }
}

function sumType(type: FieldType): FieldType {
  if (type.kind === 'decimal') return { kind: 'decimal', precision: 18, scale: type.scale }
  return type.kind === 'double' ? type : { kind: 'long' }
}

function fitted(sum: Total, type: FieldType): AggregateValue {
  if (type.kind === 'double') {
    const double = quotient(dyadicOf(sum), 1n)
    return Number.isFinite(double) ? double : null
  }
  if (typeof sum === 'number') return new Decimal(BigInt(sum), scaleOf(type))
  const { numerator } = sum
  const isWithin =
    type.kind === 'decimal'
      ? numerator < DECIMAL_LIMIT && numerator > -DECIMAL_LIMIT
      : BigInt.asIntN(64, numerator) === numerator
  return isWithin ? new Decimal(numerator, scaleOf(type)) : null
}
