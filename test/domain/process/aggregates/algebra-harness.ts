import type { Constraints, Contract, FieldType } from '#lib/domain/contract/contract.ts'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { accumulatorOf, StatesOfRows } from '#lib/domain/process/aggregates/accumulator.ts'
import type { Aggregate } from '#lib/domain/process/aggregates/aggregate.ts'
import { fieldOf, productOf } from '#test/support/synth-product.ts'

/** A row of a test: the value that is aggregated, its place, and its group; −1 is none. */
export interface Row<V extends Value = Value> {
  readonly value: V | null
  readonly group: number
  /** Event time, micros. */
  readonly at: bigint
  readonly shard: string
  readonly sequence: string
  readonly index: number
}

/** A contract with the field `value` of this type beside the event time `at`. */
export function contractOf(type: FieldType, constraints: Constraints = {}): Contract {
  return productOf({
    eventTime: 'at',
    fields: [
      fieldOf({ id: 10, name: 'at', type: { kind: 'timestamp' } }),
      fieldOf({ id: 11, name: 'value', type, constraints, required: false }),
    ],
  }).contract
}

/** Rows without a place of their own: all of one instant, numbered. */
export function rowsOf<V extends Value>(
  values: readonly (V | null)[],
  groupOf: (position: number) => number = () => 0,
): Row<V>[] {
  return values.map((value, position) => ({
    value,
    group: groupOf(position),
    at: 0n,
    shard: 'shardId-000000000000',
    sequence: '0011',
    index: position,
  }))
}

export function batchOf(contract: Contract, rows: readonly Row[]): ColumnBatch {
  const values: Readonly<Record<string, (row: Row) => Value | null>> = {
    value: (row) => row.value,
    at: (row) => row.at,
    ingest_shard: (row) => row.shard,
    ingest_sequence: (row) => row.sequence,
    ingest_index: (row) => BigInt(row.index),
  }
  const columns = tableSchemaOf(contract).fields.flatMap(({ name, type }): [string, Column][] => {
    const value = values[name]
    return value === undefined ? [] : [[name, columnOf(type, rows.map(value))]]
  })
  return { rows: rows.length, columns: new Map(columns) }
}

/** The states of one batch, by group. */
export function statesOf<State>(
  algebra: Aggregate<State>,
  contract: Contract,
  rows: readonly Row[],
  groupCount = 1 + Math.max(-1, ...new Set(rows.map((row) => row.group))),
): State[] {
  const groups = Int32Array.from(rows, (row) => row.group)
  return algebra.addBatch(batchOf(contract, rows), groups, groupCount)
}

/** The finished value of the rows of one group, in one batch. */
export function finished(algebra: Aggregate<unknown>, contract: Contract, rows: readonly Row[]) {
  return algebra.finish(statesOf(algebra, contract, rows, 1)[0])
}

/**
 * Aggregates the rows in one way that chance picks: in another order, cut into batches, some added to states side by side,
 * the others merged along a random tree with empty states in between, some of them through their stored form. Throws if a
 * merge changes what it merges.
 */
export function stateBySomeWay<State>(
  algebra: Aggregate<State>,
  contract: Contract,
  rows: readonly Row[],
  groupCount: number,
  random: Random,
): State[] {
  const parts = cut(shuffled(rows, random), random)
  const accumulated = parts.splice(0, Math.floor(random() * (parts.length + 1)))
  const byPart = parts.map((part) => statesOf(algebra, contract, part, groupCount))
  byPart.push(accumulatedStates(algebra, contract, accumulated, groupCount))
  return Array.from({ length: groupCount }, (_, group) => {
    const states = [algebra.create(), ...byPart.map((states) => states[group]!)]
    while (states.length > 1) {
      const a = take(states, random)
      const b = take(states, random)
      const merged = mergedIntact(algebra, a, b)
      states.push(random() < 0.3 ? throughStorage(algebra, merged) : merged)
    }
    return states[0]!
  })
}

/** The states that batches leave which are added one after another; they know of a group when a row of it comes. */
function accumulatedStates<State>(
  algebra: Aggregate<State>,
  contract: Contract,
  batches: readonly (readonly Row[])[],
  groupCount: number,
): State[] {
  const accumulator = accumulatorOf(algebra)
  let count = 0
  for (const rows of batches) {
    const states = Int32Array.from(rows, (row) => row.group)
    count = Math.max(count, ...states.map((state) => state + 1))
    accumulator.add(batchOf(contract, rows), new StatesOfRows(states, count))
  }
  return Array.from({ length: groupCount }, (_, group) =>
    group < count ? accumulator.state(group) : algebra.create(),
  )
}

/** As a store has it, and back. */
export function throughStorage<State>(algebra: Aggregate<State>, state: State): State {
  return algebra.fromStored(JSON.parse(storedText(algebra, state)))
}

export function storedText<State>(algebra: Aggregate<State>, state: State): string {
  return JSON.stringify(algebra.toStored(state))
}

function mergedIntact<State>(algebra: Aggregate<State>, a: State, b: State): State {
  const before = [storedText(algebra, a), storedText(algebra, b)]
  const merged = algebra.merge(a, b)
  const after = [storedText(algebra, a), storedText(algebra, b)]
  if (String(before) !== String(after)) throw new Error('merge changed what it merged')
  return merged
}

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const copy = [...items]
  for (let at = copy.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[copy[at], copy[other]] = [copy[other]!, copy[at]!]
  }
  return copy
}

/** Up to seven parts, some of them empty. */
function cut<T>(items: readonly T[], random: Random): T[][] {
  const cuts = Array.from({ length: Math.floor(random() * 7) }, () =>
    Math.floor(random() * (items.length + 1)),
  ).sort((a, b) => a - b)
  return [0, ...cuts].map((start, at) => items.slice(start, cuts[at] ?? items.length))
}

function take<T>(items: T[], random: Random): T {
  return items.splice(Math.floor(random() * items.length), 1)[0]!
}
