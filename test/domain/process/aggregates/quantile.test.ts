import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import { LogBins } from '#lib/domain/process/aggregates/log-bins.ts'
import {
  contractOf,
  finished,
  type Row,
  rowsOf,
  stateBySomeWay,
  statesOf,
  storedText,
  throughStorage,
} from './algebra-harness.ts'
import { DOUBLES, INTS, LONGS, type Make, withNulls } from './value-makers.ts'

const QS = [0, 0.001, 0.25, 0.5, 0.9, 0.99, 1]
const DOUBLE: FieldType = { kind: 'double' }

type Options = { readonly accuracy?: number; readonly maxBins?: number }

function quantilesOf(type: FieldType, options: Options = {}) {
  const contract = contractOf(type)
  const definition = { name: 'q', function: 'quantile', field: 'value', q: QS, ...options } as const
  return { contract, quantiles: aggregateOf(definition, contract) }
}

type Number = number | bigint
const CASES: readonly (readonly [FieldType, string, Make<Number>])[] = [
  ...cases({ kind: 'int' }, INTS),
  ...cases({ kind: 'long' }, LONGS),
  ...cases(DOUBLE, DOUBLES),
  ...cases(DOUBLE, {
    'of two sizes far apart': (random, n) => {
      return Array.from({ length: n }, () => (random() < 0.5 ? 1e-200 : 1e200) * (1 + random()))
    },
    'at the ends of the doubles': (random, n) => {
      const ends = [Number.MAX_VALUE, 2 ** -1022, 5e-324, -Number.MAX_VALUE, 2 ** 1023, 1]
      return Array.from({ length: n }, () => ends[Math.floor(random() * ends.length)]!)
    },
    'of exact powers of two': (random, n) => {
      return Array.from({ length: n }, () => 2 ** Math.floor(random() * 20 - 10))
    },
  }),
]

function cases(type: FieldType, makers: Readonly<Record<string, Make<Number>>>) {
  return Object.entries(makers).map(([what, make]) => [type, what, make] as const)
}

/** The true quantiles: a sort, and the value at the place that the definition says. */
function oracle(rows: readonly Row[], group: number): number[] {
  const values = rows.flatMap((row) =>
    row.group === group && row.value !== null ? [globalThis.Number(row.value)] : [],
  )
  const sorted = Float64Array.from(values).sort()
  return QS.map((q) => sorted[Math.floor(q * (sorted.length - 1))]!)
}

/**
 * Holds estimates to what the aggregate states: the accuracy for what is not too small against the greatest of its
 * sign, for that an error that is as small against the greatest.
 */
function expectWithinBound(
  estimates: readonly number[],
  truths: readonly number[],
  error: { readonly bound: number; readonly within: number },
): void {
  const [least, greatest] = [truths[0]!, truths.at(-1)!]
  estimates.forEach((estimate, at) => {
    const truth = truths[at]!
    const extreme = Math.abs(truth < 0 ? least : greatest)
    const allowed = Math.max(
      error.bound * Math.abs(truth),
      (2 * extreme) / error.within,
      // Nearer to zero than the least normal double is zero.
      2 ** -1022,
    )
    expect(Math.abs(estimate - truth)).toBeLessThanOrEqual(allowed)
    if (Math.abs(truth) * error.within >= extreme && Math.abs(truth) >= 2 ** -1022) {
      expect(Math.abs(estimate - truth)).toBeLessThanOrEqual(error.bound * Math.abs(truth))
    }
  })
}

describe.each(CASES)('quantiles of a %j field with values %s', (type, _what, make) => {
  it.each([
    {},
    { accuracy: 0.001, maxBins: 4096 },
    { accuracy: 0.2, maxBins: 64 },
    { accuracy: 0.01, maxBins: 64 },
  ])(
    'with %j are within the stated error, and the state is the same, whatever the order',
    (options) => {
      const { contract, quantiles } = quantilesOf(type, options)
      const error = quantiles.error as { bound: number; within: number }
      const random = seededRandom(3)
      for (let round = 0; round < 4; round++) {
        const rows = rowsOf(
          withNulls(make(random, 200), random),
          () => Math.floor(random() * 3) - 1,
        )
        const whole = statesOf(quantiles, contract, rows, 2)

        const other = stateBySomeWay(quantiles, contract, rows, 2, random)

        for (const group of [0, 1]) {
          expect(storedText(quantiles, other[group])).toBe(storedText(quantiles, whole[group]))
          expectWithinBound(quantiles.finish(other[group]) as number[], oracle(rows, group), error)
        }
      }
    },
  )
})

describe('a quantile', () => {
  it('of many values of every distribution is within the stated error', () => {
    const { contract, quantiles } = quantilesOf(DOUBLE)
    const error = quantiles.error as { bound: number; within: number }
    const distributions: Readonly<Record<string, (random: Random) => number>> = {
      uniform: (random) => random() * 1000,
      lognormal: (random) =>
        Math.exp(3 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(7 * random())),
      pareto: (random) => 1 / (1 - random()) ** 2,
      'of both signs': (random) => (random() - 0.5) ** 3,
    }
    for (const one of Object.values(distributions)) {
      const random = seededRandom(4)
      const rows = rowsOf(Array.from({ length: 20_000 }, () => one(random)))
      expectWithinBound(finished(quantiles, contract, rows) as number[], oracle(rows, 0), error)
    }
  })

  it('at 0 and 1, and of values that are all equal, is exact', () => {
    const { contract, quantiles } = quantilesOf({ kind: 'decimal', precision: 9, scale: 2 })

    expect(finished(quantiles, contract, rowsOf([1999n, 1999n, 1999n]))).toEqual(
      QS.map(() => 19.99),
    )
    const mixed = finished(quantiles, contract, rowsOf([-12345n, 7n, 0n, 99_999n])) as number[]
    expect([mixed[0], mixed.at(-1)]).toEqual([-123.45, 999.99])
  })

  it('is one number for one q, a list for a list, null of nothing', () => {
    const contract = contractOf(DOUBLE)
    const of = (q: number | readonly number[]) =>
      aggregateOf({ name: 'q', function: 'quantile', field: 'value', q }, contract)

    expect(finished(of(0.5), contract, rowsOf([3]))).toBe(3)
    expect(finished(of([0.5]), contract, rowsOf([3]))).toEqual([3])
    expect(finished(of(0.5), contract, rowsOf([null]))).toBeNull()
    expect(of(0.5).resultType).toEqual({ kind: 'double' })
    expect(of([0.5]).resultType).toMatchObject({ kind: 'list', element: { type: DOUBLE } })
  })

  it('has no negative zero', () => {
    const { contract, quantiles } = quantilesOf(DOUBLE)
    expect(finished(quantiles, contract, rowsOf([-0]))).toEqual(QS.map(() => 0))
  })

  it('refuses a double that is not finite, which no contract admits', () => {
    const { contract, quantiles } = quantilesOf(DOUBLE)
    expect(() => finished(quantiles, contract, rowsOf([Infinity]))).toThrow('not finite')
  })
})

describe('a state', () => {
  it('has a bounded size, whatever the values', () => {
    for (const [options, make] of [
      [{}, DOUBLES['of any size and sign']!],
      [{ maxBins: 64 }, DOUBLES['of any size and sign']!],
      [{ accuracy: 0.001, maxBins: 4096 }, DOUBLES['between 0 and 1']!],
    ] as const) {
      const { contract, quantiles } = quantilesOf(DOUBLE, options)
      const [state] = statesOf(quantiles, contract, rowsOf(make(seededRandom(5), 30_000)))
      expect(storedText(quantiles, state).length).toBeLessThanOrEqual(quantiles.maxStoredBytes)
      expect(throughStorage(quantiles, state)).toEqual(state)
    }
  })

  it('holds more than 2^32 values of a bin', () => {
    const { contract, quantiles } = quantilesOf(DOUBLE)
    let [state] = statesOf(quantiles, contract, rowsOf([-1, 1, 1]))
    for (let doubling = 0; doubling < 50; doubling++) state = quantiles.merge(state, state)

    expect(quantiles.finish(throughStorage(quantiles, state))).toEqual([-1, -1, -1, 1, 1, 1, 1])
  })

  it('is the same for ever: a change of the bins needs a new version', () => {
    const { contract, quantiles } = quantilesOf(DOUBLE)
    const [state] = statesOf(quantiles, contract, rowsOf([-2.5, 0, 1, 1, 1e300, 0.1]))
    expect(quantiles.toStored(state)).toMatchInlineSnapshot(`
      [
        "quantile/1:0.01:1024",
        -2.5,
        1e+300,
        "zasCAeerAgGxxwQD/wcB",
      ]
    `)
  })

  it('of another accuracy, or damaged, is refused', () => {
    const { contract, quantiles } = quantilesOf(DOUBLE)
    const coarse = quantilesOf(DOUBLE, { accuracy: 0.05 })
    const [state] = statesOf(coarse.quantiles, contract, rowsOf([1]))

    expect(() => quantiles.fromStored(coarse.quantiles.toStored(state))).toThrow(
      expect.objectContaining({ code: 'view.stateUnreadable' }),
    )
    for (const parts of [
      [1, 2, 'AA=='],
      [1, 2],
      [1, 2, ''],
      [1, null, 'AAE='],
      [1, 2, 'gA=='],
      [1, 2, 'AAGA'],
    ]) {
      expect(() => quantiles.fromStored(['quantile/1:0.01:1024', ...parts])).toThrow('damaged')
    }
  })
})

describe('the bins', () => {
  it.each([0.001, 0.01, 0.05, 0.2])('of accuracy %d hold every double', (accuracy) => {
    const bins = new LogBins(accuracy)
    const random = seededRandom(6)
    const words = new Int32Array(2)
    const double = new Float64Array(words.buffer)
    const values = [...DOUBLES['of any size and sign']!(random, 20_000), 2 ** -1022, 1, -1]
    const misplaced = values.filter((value) => {
      double[0] = value
      const key = bins.keyOf(words[0]! >>> 0, words[1]!)
      const estimate = Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, bins.valueOf(key)))
      const isZero = Math.abs(value) < 2 ** -1022
      const allowed = isZero ? 2 ** -1022 : accuracy * Math.abs(value)
      const isHeld =
        Math.abs(estimate - value) <= allowed &&
        Math.sign(key) === (isZero ? 0 : Math.sign(value)) &&
        Math.abs(key) <= bins.greatestKey
      return !isHeld
    })
    expect(misplaced).toEqual([])
  })

  it('are in the order of the values', () => {
    const bins = new LogBins(0.01)
    const values = Float64Array.from(DOUBLES['of any size and sign']!(seededRandom(7), 5000)).sort()
    const words = new Int32Array(values.buffer)
    const keys = Array.from(values, (_, at) => bins.keyOf(words[2 * at]! >>> 0, words[2 * at + 1]!))
    expect(keys).toEqual([...keys].sort((a, b) => a - b))
  })
})
