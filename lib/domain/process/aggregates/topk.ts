import type { Field } from '#lib/domain/contract/contract.ts'
import type { Aggregate } from './aggregate.ts'
import { binsOf } from './bins.ts'
import { dictionaryOf } from './dictionary.ts'
import { type FieldValues, fieldValues, type StateValue } from './field-values.ts'
import { codesByGroup, columnOf, groupsOfValues } from './grouped-rows.ts'
import { listOf, structOf } from './result-types.ts'
import { countFromStored, readStored, type StoredForm, writeStored } from './stored-state.ts'

export const RANKS = { least: 1, greatest: 100 } as const
/** Ten times k by default, and no less than this. */
export const CAPACITIES = { greatest: 1000, default: 100 } as const

export interface TopkState {
  /** At most the capacity, none below 1. */
  readonly counts: ReadonlyMap<StateValue, number>
  /** What every count may lack, and a value that is not there may have: 0 as long as nothing was left out. */
  readonly error: number
}

const EMPTY: TopkState = { counts: new Map(), error: 0 }

/**
 * The k most frequent values, of equally frequent ones the lower ones: a summary of Misra and Gries, merged as Agarwal
 * and others show ("Mergeable summaries", 2012). A count is never too high, and too low by `error` at most, which is at
 * most rows / (capacity + 1), whatever the order of merging.
 *
 * As long as all values together fit the capacity, everything is exact and `merge` is associative. Beyond it `merge` is
 * commutative, but which counts are lowered depends on the order: no summary of bounded size can name the frequent
 * values of any set and be free of that.
 */
export function topkAggregate(
  name: string,
  field: Field,
  { k, capacity }: { readonly k: number; readonly capacity: number },
): Aggregate<TopkState> {
  const values = fieldValues(field)
  const form = formOf(values, capacity)
  return {
    columns: [field.name],
    create: () => EMPTY,
    addBatch(batch, groups, groupCount) {
      const column = columnOf(batch, field.name)
      const present = groupsOfValues(column, groups)
      const { numbers, firstRows } = dictionaryOf(column, present)
      const { codes, starts } = codesByGroup(numbers, present, groupCount)
      const known = new Array<StateValue | undefined>(firstRows.length)
      return Array.from({ length: groupCount }, (_, group) => {
        const runs = binsOf(codes.subarray(starts[group], starts[group + 1]))
        const error = excess(runs.counts, capacity)
        const counts = new Map<StateValue, number>()
        for (let at = 0; at < runs.keys.length; at++) {
          if (runs.counts[at]! <= error) continue
          const number = runs.keys[at]!
          known[number] ??= values.at(column, firstRows[number]!)
          counts.set(known[number], runs.counts[at]! - error)
        }
        return { counts, error }
      })
    },
    merge(a, b) {
      const counts = new Map(a.counts)
      for (const [value, count] of b.counts) counts.set(value, (counts.get(value) ?? 0) + count)
      const taken = excess(Float64Array.from(counts.values()), capacity)
      if (taken > 0) {
        for (const [value, count] of counts) {
          if (count > taken) counts.set(value, count - taken)
          else counts.delete(value)
        }
      }
      return { counts, error: a.error + b.error + taken }
    },
    finish: ({ counts, error }) =>
      ranked(counts, values)
        .slice(0, k)
        .map(([value, count]) => ({ value: values.finish(value), count, error })),
    toStored: (state) => writeStored(form, state),
    fromStored: (stored) => readStored(name, form, stored),
    maxStoredBytes: capacity * (values.maxStoredBytes + 18) + 60,
    resultType: listOf(
      structOf({ value: values.type, count: { kind: 'long' }, error: { kind: 'long' } }),
    ),
    error: { kind: 'shareOfRows', bound: 1 / (capacity + 1) },
  }
}

/**
 * What is taken from every count so that no more than the capacity stay above 0: the greatest count that the capacity
 * has no place for. Each unit of it is taken from capacity + 1 rows of different values, so that all that is ever
 * taken cannot become more than rows / (capacity + 1).
 */
function excess(counts: Float64Array, capacity: number): number {
  if (counts.length <= capacity) return 0
  return counts.slice().sort()[counts.length - 1 - capacity]!
}

function ranked(
  counts: ReadonlyMap<StateValue, number>,
  values: FieldValues,
): [StateValue, number][] {
  return [...counts].sort(([a, countA], [b, countB]) => countB - countA || values.compare(a, b))
}

/** Error, then value and count by rank. */
function formOf(values: FieldValues, capacity: number): StoredForm<TopkState> {
  const tag = `topk/1:${capacity}`
  return {
    tag,
    write: ({ counts, error }) => [
      error,
      ...ranked(counts, values).flatMap(([value, count]) => [values.toStored(value), count]),
    ],
    readers: {
      [tag]([storedError, ...parts]) {
        const error = countFromStored(storedError)
        if (error === undefined || parts.length % 2 === 1) return undefined
        const counts = new Map<StateValue, number>()
        for (let at = 0; at < parts.length; at += 2) {
          const value = values.fromStored(parts[at])
          const count = countFromStored(parts[at + 1])
          if (value === undefined || count === undefined) return undefined
          counts.set(value, count)
        }
        return { counts, error }
      },
    },
  }
}
