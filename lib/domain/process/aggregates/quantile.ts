import type { Field } from '#lib/domain/contract/contract.ts'
import { scaleOf } from '#lib/domain/contract/scalar.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Aggregate, AggregateValue } from './aggregate.ts'
import { addBins, type Bins, binsOf, limitBins, NO_BINS } from './bins.ts'
import {
  codesByGroup,
  columnOf,
  doublesOf,
  groupsOfValues,
  NO_GROUP,
  wordsOf,
} from './grouped-rows.ts'
import { LogBins } from './log-bins.ts'
import { listOf } from './result-types.ts'
import {
  bytesFromStored,
  bytesToStored,
  readStored,
  type StoredForm,
  writeStored,
} from './stored-state.ts'
import { readVarints, writeVarints } from './varints.ts'

export const ACCURACIES = { least: 0.001, greatest: 0.2, default: 0.01 } as const
export const BINS = { least: 64, greatest: 4096, default: 1024 } as const

/** Numbers are as columns hold them: decimals unscaled. */
export interface QuantileState {
  readonly bins: Bins
  /** Exact but for the rounding of a long to a double; Infinity and −Infinity where there is no value. */
  readonly least: number
  readonly greatest: number
}

export interface QuantileOptions {
  readonly q: number | readonly number[]
  readonly accuracy: number
  readonly maxBins: number
}

/**
 * Quantiles within a relative accuracy: for q the value at place ⌊q (n − 1)⌋ of all n in order, least and greatest as
 * they are. Values smaller than the greatest magnitude of their sign by more than `maxBins` bins lose the relative
 * accuracy: they count as ones of the last bin, which is as small against the greatest.
 */
export function quantileAggregate(
  name: string,
  field: Field,
  { q, accuracy, maxBins }: QuantileOptions,
): Aggregate<QuantileState> {
  const bins = new LogBins(accuracy)
  const form = formOf(accuracy, maxBins, bins.greatestKey)
  const unit = 10 ** scaleOf(field.type)
  const finishOne = (state: QuantileState, one: number) => valueAt(state, one, bins) / unit
  return {
    columns: [field.name],
    create: () => ({ bins: NO_BINS, least: Infinity, greatest: -Infinity }),
    addBatch(batch, groups, groupCount) {
      const column = columnOf(batch, field.name)
      const present = groupsOfValues(column, groups)
      const numbers = numbersOf(column)
      const keys = keysOf(numbers, present, bins)
      const { codes, starts } = codesByGroup(keys, present, groupCount)
      const { least, greatest } = extremesOf(numbers, present, groupCount)
      return Array.from({ length: groupCount }, (_, group) => ({
        bins: limitBins(binsOf(codes.subarray(starts[group], starts[group + 1])), maxBins),
        least: least[group]!,
        greatest: greatest[group]!,
      }))
    },
    merge: (a, b) => ({
      bins: limitBins(addBins(a.bins, b.bins), maxBins),
      least: Math.min(a.least, b.least),
      greatest: Math.max(a.greatest, b.greatest),
    }),
    finish(state): AggregateValue {
      if (state.bins.keys.length === 0) return null
      return typeof q === 'number' ? finishOne(state, q) : q.map((one) => finishOne(state, one))
    },
    toStored: (state) => writeStored(form, state),
    fromStored: (stored) => readStored(name, form, stored),
    // A count takes eight bytes at most, and the bins of a sign lie so near that their distances take one each.
    maxStoredBytes: Math.ceil(((2 * maxBins + 1) * 9 * 4) / 3) + 250,
    resultType: typeof q === 'number' ? { kind: 'double' } : listOf({ kind: 'double' }),
    error: {
      kind: 'relative',
      bound: accuracy,
      within: 2 ** ((maxBins - 2) / bins.binsPerDoubling - 0.05),
    },
  }
}

/** Least, greatest, then the first key, its count, the next key's distance, its count, … */
function formOf(accuracy: number, maxBins: number, greatestKey: number): StoredForm<QuantileState> {
  const tag = `quantile/1:${accuracy}:${maxBins}`
  return {
    tag,
    write({ bins: { keys, counts }, least, greatest }) {
      if (keys.length === 0) return []
      const numbers = new Float64Array(2 * keys.length)
      keys.forEach((key, at) => {
        // The first key may be negative: all keys are moved up.
        numbers[2 * at] = at === 0 ? key + greatestKey : key - keys[at - 1]!
        numbers[2 * at + 1] = counts[at]!
      })
      return [least, greatest, bytesToStored(writeVarints(numbers))]
    },
    readers: {
      [tag](parts) {
        if (parts.length === 0) return { bins: NO_BINS, least: Infinity, greatest: -Infinity }
        const [least, greatest] = [parts[0] as number, parts[1] as number]
        const bytes = bytesFromStored(parts[2])
        const numbers = bytes && readVarints(bytes)
        if (!numbers || numbers.length === 0 || numbers.length % 2 === 1) return undefined
        if (!Number.isFinite(least) || !Number.isFinite(greatest)) return undefined
        const keys = new Int32Array(numbers.length / 2)
        const counts = new Float64Array(keys.length)
        for (let at = 0; at < keys.length; at++) {
          keys[at] = numbers[2 * at]! + (at === 0 ? -greatestKey : keys[at - 1]!)
          counts[at] = numbers[2 * at + 1]!
        }
        return { bins: { keys, counts }, least, greatest }
      },
    },
  }
}

function valueAt({ bins, least, greatest }: QuantileState, q: number, of: LogBins): number {
  const count = bins.counts.reduce((sum, one) => sum + one, 0)
  const rank = Math.floor(q * (count - 1))
  if (rank <= 0) return least
  if (rank >= count - 1) return greatest
  let bin = 0
  for (let below = bins.counts[0]!; below <= rank; below += bins.counts[bin]!) bin++
  return Math.min(Math.max(of.valueOf(bins.keys[bin]!), least), greatest)
}

/** As doubles: a long beyond 2^53 is off by a share of 2^-53. */
function numbersOf(column: Column): Float64Array {
  switch (column.kind) {
    case 'float64':
      return column.values
    case 'int32':
      return Float64Array.from(column.values)
    case 'int64':
      return doublesOf(column.values)
    default:
      throw new PlatformError('view.invalid', `a ${column.kind} column has no quantiles`)
  }
}

function keysOf(numbers: Float64Array, groups: Int32Array, bins: LogBins): Int32Array {
  const { unsigned, signed } = wordsOf(numbers)
  const keys = new Int32Array(groups.length)
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP) continue
    if (!Number.isFinite(numbers[row]!)) {
      throw new PlatformError('view.invalid', 'a double is not finite: no contract admits one')
    }
    keys[row] = bins.keyOf(unsigned[2 * row]!, signed[2 * row + 1]!)
  }
  return keys
}

function extremesOf(numbers: Float64Array, groups: Int32Array, groupCount: number) {
  const least = new Float64Array(groupCount).fill(Infinity)
  const greatest = new Float64Array(groupCount).fill(-Infinity)
  for (let row = 0; row < groups.length; row++) {
    const group = groups[row]!
    if (group === NO_GROUP) continue
    // Zero without sign: as JSON, and equal whichever came first.
    const number = numbers[row]! + 0
    if (number < least[group]!) least[group] = number
    if (number > greatest[group]!) greatest[group] = number
  }
  return { least, greatest }
}
