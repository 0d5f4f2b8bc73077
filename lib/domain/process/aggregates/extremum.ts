import type { Field } from '#lib/domain/contract/contract.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Aggregate, EXACT } from './aggregate.ts'
import { fieldValues, type StateValue } from './field-values.ts'
import { columnOf, groupsOfValues, NO_GROUP } from './grouped-rows.ts'
import { compareInt64, compareUtf8, firstRows, NO_ROW } from './row-order.ts'
import { readStored, type StoredForm, writeStored } from './stored-state.ts'

/** The least or greatest value: numbers and times by size, texts by code point. Null where there was none. */
export function extremumAggregate(
  name: string,
  field: Field,
  which: 'min' | 'max',
): Aggregate<StateValue | null> {
  const values = fieldValues(field)
  const sign = which === 'min' ? 1 : -1
  const form: StoredForm<StateValue | null> = {
    tag: `${which}/1`,
    write: (value) => [value === null ? null : values.toStored(value)],
    readers: {
      [`${which}/1`]: ([value]) => (value === null ? null : values.fromStored(value)),
    },
  }
  return {
    columns: [field.name],
    create: () => null,
    addBatch(batch, groups, groupCount) {
      const column = columnOf(batch, field.name)
      const rows = extremeRows(column, groupsOfValues(column, groups), groupCount, sign)
      return Array.from(rows, (row) => (row === NO_ROW ? null : values.at(column, row)))
    },
    merge(a, b) {
      if (a === null || b === null) return a ?? b
      return sign * values.compare(a, b) <= 0 ? a : b
    },
    finish: (value) => (value === null ? null : values.finish(value)),
    toStored: (state) => writeStored(form, state),
    fromStored: (stored) => readStored(name, form, stored),
    maxStoredBytes: values.maxStoredBytes + 10,
    resultType: values.type,
    error: EXACT,
  }
}

/** Of each group a row that has its least (sign 1) or greatest (sign −1) value. */
function extremeRows(
  column: Column,
  groups: Int32Array,
  groupCount: number,
  sign: 1 | -1,
): Int32Array {
  switch (column.kind) {
    case 'int32':
    case 'float64':
      return extremeNumbers(column.values, groups, groupCount, sign)
    case 'int64':
      return firstRows(compareInt64(column.values), groups, groupCount, sign)
    case 'utf8':
      return firstRows(compareUtf8(column), groups, groupCount, sign)
    default:
      throw new PlatformError('view.invalid', `a ${column.kind} column has no least value`)
  }
}

function extremeNumbers(
  values: Int32Array | Float64Array,
  groups: Int32Array,
  groupCount: number,
  sign: 1 | -1,
): Int32Array {
  const best = new Int32Array(groupCount).fill(NO_ROW)
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group === NO_GROUP) continue
    const held = best[group]!
    if (held === NO_ROW || sign * (values[row]! - values[held]!) < 0) best[group] = row
  }
  return best
}
