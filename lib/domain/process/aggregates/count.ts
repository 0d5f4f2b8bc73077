import type { ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { roomFor } from '#lib/domain/kernel/room-for.ts'
import type { Accumulator, StatesOfRows } from './accumulator.ts'
import { type Aggregate, EXACT } from './aggregate.ts'
import { columnOf, groupsOfValues, NO_GROUP, rowsOfGroups } from './grouped-rows.ts'
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
      const counts = rowsOfGroups(counted, groupCount)
      const states = new Array<number>(groupCount)
      for (let group = 0; group < groupCount; group++) states[group] = counts[group]!
      return states
    },
    accumulator: () => new Counts(field),
    merge: (a, b) => a + b,
    finish: (count) => count,
    toStored: (count) => writeStored(FORM, count),
    fromStored: (stored) => readStored(name, FORM, stored),
    maxStoredBytes: 29,
    resultType: { kind: 'long' },
    error: EXACT,
  }
}

class Counts implements Accumulator<number> {
  readonly #field: string | undefined
  #counts = new Float64Array(64)

  constructor(field: string | undefined) {
    this.#field = field
  }

  add(batch: ColumnBatch, { states, count }: StatesOfRows): void {
    this.#counts = roomFor(count, this.#counts)
    const counts = this.#counts
    const nulls = this.#field === undefined ? undefined : columnOf(batch, this.#field).nulls
    for (let row = 0; row < states.length; row++) {
      const state = states[row]!
      if (state !== NO_GROUP && (nulls === undefined || nulls[row] === 0)) counts[state]!++
    }
  }

  state(number: number): number {
    return this.#counts[number]!
  }
}
