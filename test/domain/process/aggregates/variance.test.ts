import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  contractOf,
  finished,
  rowsOf,
  stateBySomeWay,
  statesOf,
  storedText,
} from './algebra-harness.ts'
import { exactDouble, nearestOf, plusRatio, type Ratio } from './rational-oracle.ts'
import { DOUBLES, INTS, LONGS, type Make, withNulls } from './value-makers.ts'

const CASES: readonly (readonly [FieldType, string, Make<Value>])[] = [
  ...cases({ kind: 'int' }, INTS),
  ...cases({ kind: 'long' }, LONGS),
  ...cases({ kind: 'decimal', precision: 9, scale: 2 }, { small: LONGS.small! }),
  ...cases({ kind: 'double' }, DOUBLES),
]

function cases(type: FieldType, makers: Readonly<Record<string, Make<Value>>>) {
  return Object.entries(makers).map(([what, make]) => [type, what, make] as const)
}

function varianceOf(type: FieldType, of: 'population' | 'sample') {
  const contract = contractOf(type)
  const definition = { name: 'v', function: 'variance', field: 'value', of } as const
  return { contract, variance: aggregateOf(definition, contract) }
}

/** By the definition: the mean of squared distances from the mean, in fractions. */
function exactVariance(values: readonly Ratio[], fewer: number): number | null {
  if (values.length <= fewer) return null
  const count = BigInt(values.length)
  const sum = values.reduce(plusRatio)
  const mean = { dividend: -sum.dividend, divisor: sum.divisor * count }
  const squares = values.map((value) => {
    const distance = plusRatio(value, mean)
    return { dividend: distance.dividend ** 2n, divisor: distance.divisor ** 2n }
  })
  const total = squares.reduce(plusRatio)
  const variance = nearestOf({ ...total, divisor: total.divisor * (count - BigInt(fewer)) })
  return Number.isFinite(variance) ? variance : null
}

describe.each(CASES)('the variance of a %j field with values %s', (type, _what, make) => {
  const scale = type.kind === 'decimal' ? 10n ** BigInt(type.scale) : 1n

  it.each(['population', 'sample'] as const)('of a %s is exact, whatever the order', (of) => {
    const { contract, variance } = varianceOf(type, of)
    const random = seededRandom(7)
    for (let round = 0; round < 4; round++) {
      const rows = rowsOf(withNulls(make(random, 12), random), () => Math.floor(random() * 3) - 1)
      const whole = statesOf(variance, contract, rows, 2)

      const other = stateBySomeWay(variance, contract, rows, 2, random)

      for (const group of [0, 1]) {
        const values = rows
          .filter((row) => row.group === group && row.value !== null)
          .map((row) => exactDouble(row.value as number | bigint))
          .map(({ dividend, divisor }) => ({ dividend, divisor: divisor * scale }))
        expect(storedText(variance, other[group])).toBe(storedText(variance, whole[group]))
        expect(variance.finish(other[group])).toBe(exactVariance(values, of === 'sample' ? 1 : 0))
      }
    }
  })

  it('never takes more room than it says', () => {
    const { contract, variance } = varianceOf(type, 'sample')
    const rows = rowsOf(make(seededRandom(8), 500))
    const [state] = statesOf(variance, contract, rows)
    expect(storedText(variance, state).length).toBeLessThanOrEqual(variance.maxStoredBytes)
  })
})

describe('the variance', () => {
  it('does not suffer from values that are large against their differences', () => {
    const { contract, variance } = varianceOf({ kind: 'double' }, 'sample')
    const rows = rowsOf([1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16])
    expect(finished(variance, contract, rows)).toBe(30)
  })

  it('of one value is 0, and as a sample none', () => {
    const population = varianceOf({ kind: 'long' }, 'population')
    const sample = varianceOf({ kind: 'long' }, 'sample')
    const rows = rowsOf([5n])
    expect(finished(population.variance, population.contract, rows)).toBe(0)
    expect(finished(sample.variance, sample.contract, rows)).toBeNull()
  })

  // The last words of these squares are such that so many sum up to more than 2^53, where doubles are even.
  it.each([4_294_967n, 2n ** 63n - 1n])(
    'is exact over more rows of %d than one pass of words has room for',
    (value) => {
      const { variance } = varianceOf({ kind: 'long' }, 'population')
      const rows = 2 ** 22 + 3
      const values = new BigInt64Array(rows).fill(value)
      const batch = { rows, columns: new Map([['value', { kind: 'int64' as const, values }]]) }

      const [state] = variance.addBatch(batch, new Int32Array(rows), 1)

      expect((variance.toStored(state) as unknown[]).map(String)).toEqual([
        'variance/1',
        String(rows),
        String(BigInt(rows) * value),
        String(BigInt(rows) * value ** 2n),
      ])
      expect(variance.finish(state)).toBe(0)
    },
  )
})
