import { type Aggregate, EXACT } from './aggregate.ts'
import { columnOf, groupsOfValues, rowsOfGroups } from './grouped-rows.ts'
import { countFromStored, readStored, type StoredForm, writeStored } from './stored-state.ts'

const FORM: StoredForm<number> = {
  tag: 'count/1',
  write: (count) => [count],
  readers: { 'count/1': ([count]) => countFromStored(count) },
  readUntagged: countFromStored,
}

/** Rows; with a field, those that have a value in it. */
export function countAggregate(name: string, field: string | undefined): Aggregate<number> {
  return {
    columns: field === undefined ? [] : [field],
    create: () => 0,
    addBatch(batch, groups, groupCount) {
      const counted = field === undefined ? groups : groupsOfValues(columnOf(batch, field), groups)
      return Array.from(rowsOfGroups(counted, groupCount))
    },
    merge: (a, b) => a + b,
    finish: (count) => count,
    toStored: (count) => writeStored(FORM, count),
    fromStored: (stored) => readStored(name, FORM, stored),
    maxStoredBytes: 29,
    resultType: { kind: 'long' },
    error: EXACT,
  }
}
