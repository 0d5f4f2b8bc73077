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
  throughStorage,
} from './algebra-harness.ts'
import { DOUBLES, INTS, LONGS, type Make, TEXTS, withNulls } from './value-makers.ts'

const CASES: readonly (readonly [FieldType, string, Make<Value>])[] = [
  ...cases({ kind: 'int' }, INTS),
  ...cases({ kind: 'long' }, LONGS),
  ...cases({ kind: 'double' }, DOUBLES),
  ...cases({ kind: 'string' }, TEXTS),
]

function cases(type: FieldType, makers: Readonly<Record<string, Make<Value>>>) {
  return Object.entries(makers).map(([what, make]) => [type, what, make] as const)
}

function distinctOf(type: FieldType, precision?: number) {
  const contract = contractOf(type)
  const options = precision === undefined ? {} : { precision }
  const definition = { name: 'd', function: 'distinct', field: 'value', ...options } as const
  return { contract, distinct: aggregateOf(definition, contract) }
}

describe.each(CASES)('distinct values of a %j field: %s', (type, _what, make) => {
  it('are counted exactly while few', () => {
    const { contract, distinct } = distinctOf(type)
    const random = seededRandom(1)
    const rows = rowsOf(withNulls(make(random, 300), random))
    // A set takes zeros of either sign for one, as the aggregate does.
    const expected = new Set(rows.flatMap(({ value }) => (value === null ? [] : [value]))).size

    expect(finished(distinct, contract, rows)).toBe(expected)
  })

  // 16 registers hold up to 3 values as they are: both forms, and the step from one to the other, are met.
  it.each([4, 6, 11])('have the same state with precision %d, whatever the order', (precision) => {
    const { contract, distinct } = distinctOf(type, precision)
    const random = seededRandom(2)
    for (let round = 0; round < 8; round++) {
      const rows = rowsOf(withNulls(make(random, 40), random), () => Math.floor(random() * 4) - 1)
      const whole = statesOf(distinct, contract, rows, 3)

      const other = stateBySomeWay(distinct, contract, rows, 3, random)

      for (const group of [0, 1, 2]) {
        expect(storedText(distinct, other[group])).toBe(storedText(distinct, whole[group]))
        expect(storedText(distinct, other[group]).length).toBeLessThanOrEqual(
          distinct.maxStoredBytes,
        )
      }
    }
  })
})

describe('the estimate', () => {
  const sizes = [1, 10, 300, 400, 1000, 5000, 20_000, 100_000]

  it.each([4, 8, 11, 14])('with precision %d has the stated error, without a bias', (precision) => {
    const { distinct } = distinctOf({ kind: 'long' }, precision)
    const { bound } = distinct.error as { bound: number }
    for (const size of sizes) {
      const trials = size < 20_000 ? 40 : 10
      const errors = Array.from({ length: trials }, (_, trial) => {
        const values = BigInt64Array.from({ length: size }, (_, i) => BigInt(trial * 1e9 + i))
        const batch = {
          rows: size,
          columns: new Map([['value', { kind: 'int64' as const, values }]]),
        }
        const [state] = distinct.addBatch(batch, new Int32Array(size), 1)
        return (distinct.finish(state) as number) / size - 1
      })
      const mean = errors.reduce((sum, error) => sum + error) / trials
      const deviation = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / trials)

      // Five standard errors of the mean, and of the deviation: the seeds are fixed, so this holds or it does not.
      expect(Math.abs(mean)).toBeLessThanOrEqual((5 * bound) / Math.sqrt(trials))
      expect(deviation).toBeLessThanOrEqual(bound * (1 + 5 / Math.sqrt(2 * trials)))
    }
  })

  it('changes little when one value more turns the tokens into registers', () => {
    const { contract, distinct } = distinctOf({ kind: 'long' }, 11)
    const values = (count: number) => rowsOf(Array.from({ length: count }, (_, i) => BigInt(i)))
    const form = (count: number) => {
      return (distinct.toStored(statesOf(distinct, contract, values(count))[0]) as string[])[1]
    }

    expect([form(384), form(385)]).toEqual(['s', 'd'])
    expect(finished(distinct, contract, values(384))).toBe(384)
    const estimate = finished(distinct, contract, values(385)) as number
    expect(Math.abs(estimate / 385 - 1)).toBeLessThan(0.05)
  })

  it('is 0 of nothing, and a number even of registers that are all full', () => {
    const { distinct } = distinctOf({ kind: 'long' }, 4)
    expect(distinct.finish(distinct.create())).toBe(0)
    // Each of the sixteen registers is 61, in six bits.
    const full = Buffer.from('f7df7d'.repeat(4), 'hex').toString('base64')
    const state = distinct.fromStored(['distinct/1:4', 'd', full])
    expect(distinct.finish(state)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('a state', () => {
  it('is the same for ever: a change of the hash needs a new version', () => {
    const stored = (type: FieldType, value: Value) => {
      const { contract, distinct } = distinctOf(type)
      return (distinct.toStored(statesOf(distinct, contract, rowsOf([value]))[0]) as string[])[2]
    }

    expect({
      text: stored({ kind: 'string' }, 'weir'),
      empty: stored({ kind: 'string' }, ''),
      int: stored({ kind: 'int' }, -7n),
      long: stored({ kind: 'long' }, -7n),
      decimal: stored({ kind: 'decimal', precision: 4, scale: 2 }, -7n),
      double: stored({ kind: 'double' }, -0.7),
      date: stored({ kind: 'date' }, -7n),
    }).toMatchInlineSnapshot(`
      {
        "date": "A7ZEKQ==",
        "decimal": "A7ZEKQ==",
        "double": "QbLJpA==",
        "empty": "gqcz8Q==",
        "int": "A7ZEKQ==",
        "long": "A7ZEKQ==",
        "text": "ge9YYQ==",
      }
    `)
  })

  it('of an int that the contract made a long goes on', () => {
    const [int, long] = [distinctOf({ kind: 'int' }), distinctOf({ kind: 'long' })]
    const before = statesOf(int.distinct, int.contract, rowsOf([1n, -2n]))[0]
    const after = statesOf(long.distinct, long.contract, rowsOf([-2n, 2n ** 40n]))[0]

    const state = long.distinct.merge(
      long.distinct.fromStored(int.distinct.toStored(before)),
      after,
    )

    expect(long.distinct.finish(state)).toBe(3)
  })

  it('of another precision, or damaged, is refused', () => {
    const { contract, distinct } = distinctOf({ kind: 'long' }, 4)
    const other = distinctOf({ kind: 'long' }, 5)
    const stored = other.distinct.toStored(statesOf(other.distinct, contract, rowsOf([1n]))[0])
    const damaged = [
      ['distinct/1:4', 's', 'AAAA'],
      ['distinct/1:4', 's', 'AgAAAAEAAAA='],
      ['distinct/1:4', 'd', 'AAAA'],
      ['distinct/1:4', 'd', Buffer.alloc(12, 0xff).toString('base64')],
      ['distinct/1:4', 'd', '!'],
      ['distinct/1:4', 'x', ''],
      ['distinct/1:4'],
    ]

    expect(() => distinct.fromStored(stored)).toThrow(
      'a stored state is "distinct/1:5", this code reads distinct/1:4',
    )
    for (const one of damaged) {
      expect(() => distinct.fromStored(one)).toThrow('damaged')
    }
  })

  it('survives storage in both forms', () => {
    const { contract, distinct } = distinctOf({ kind: 'long' }, 6)
    for (const count of [0, 1, 12, 13, 500]) {
      const rows = rowsOf(Array.from({ length: count }, (_, i) => BigInt(i)))
      const [state] = statesOf(distinct, contract, rows, 1)
      expect(throughStorage(distinct, state)).toEqual(state)
    }
  })
})
