import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  contractOf,
  finished,
  type Row,
  rowsOf,
  stateBySomeWay,
  statesOf,
  storedText,
} from './algebra-harness.ts'
import { exactDouble, nearestOf, type Ratio, ratioSum } from './rational-oracle.ts'
import { DOUBLES, INTS, LONGS, type Make, withNulls } from './value-makers.ts'

const LONG: FieldType = { kind: 'long' }
const DOUBLE: FieldType = { kind: 'double' }
const MONEY: FieldType = { kind: 'decimal', precision: 18, scale: 2 }

const WHOLE: readonly (readonly [FieldType, string, Make<Value>])[] = [
  ...cases({ kind: 'int' }, INTS),
  ...cases(LONG, LONGS),
]
const ALL = [...WHOLE, ...cases(DOUBLE, DOUBLES)]

function cases(type: FieldType, makers: Readonly<Record<string, Make<Value>>>) {
  return Object.entries(makers).map(([what, make]) => [type, what, make] as const)
}

function sumOf(type: FieldType) {
  const contract = contractOf(type)
  const sum = aggregateOf({ name: 's', function: 'sum', field: 'value' }, contract)
  const mean = aggregateOf({ name: 'm', function: 'mean', field: 'value' }, contract)
  return { contract, sum, mean }
}

function totalOf(rows: readonly Row[], group: number) {
  const values = rows.flatMap((row) =>
    row.group === group && row.value !== null ? [row.value as bigint | number] : [],
  )
  return { count: values.length, total: ratioSum(values.map(exactDouble)) }
}

describe.each(ALL)('sum and mean of a %j field with values %s', (type, _what, make) => {
  const { contract, sum, mean } = sumOf(type)

  it('are exact, in whichever order rows are cut and merged', () => {
    const random = seededRandom(1)
    for (let round = 0; round < 12; round++) {
      const values = withNulls(make(random, 60), random)
      const rows = rowsOf(values, () => Math.floor(random() * 5) - 1)
      const whole = statesOf(sum, contract, rows, 4)

      const other = stateBySomeWay(sum, contract, rows, 4, random)

      for (let group = 0; group < 4; group++) {
        const { count, total } = totalOf(rows, group)
        expect(storedText(sum, other[group]!)).toBe(storedText(sum, whole[group]!))
        expect(sum.finish(other[group]!)).toEqual(count === 0 ? null : sumResult(type, total))
        expect(mean.finish(other[group]!)).toBe(
          count === 0 ? null : nearestOf({ ...total, divisor: total.divisor * BigInt(count) }),
        )
      }
    }
  })

  it('never take more room than they say', () => {
    const random = seededRandom(2)
    const rows = rowsOf(make(random, 500))
    const [state] = statesOf(sum, contract, rows)
    expect(storedText(sum, state!).length).toBeLessThanOrEqual(sum.maxStoredBytes)
  })
})

function sumResult(type: FieldType, total: Ratio) {
  if (type.kind === 'double') {
    const double = nearestOf(total)
    return Number.isFinite(double) ? double : null
  }
  const isLong = total.dividend >= -(2n ** 63n) && total.dividend < 2n ** 63n
  return isLong ? new Decimal(total.dividend, 0) : null
}

describe('a sum of decimals', () => {
  it('keeps the scale, and has eighteen digits', () => {
    const { contract, sum, mean } = sumOf(MONEY)
    const rows = rowsOf([1050n, null, -25n])

    expect(sum.resultType).toEqual({ kind: 'decimal', precision: 18, scale: 2 })
    expect(String(finished(sum, contract, rows))).toBe('10.25')
    expect(finished(mean, contract, rows)).toBe(5.125)
  })

  it('is null beyond them, and exact again when later rows bring it back', () => {
    const { contract, sum, mean } = sumOf(MONEY)
    const most = 10n ** 18n - 1n
    const [beyond] = statesOf(sum, contract, rowsOf([most, 1n]))
    const [back] = statesOf(sum, contract, rowsOf([-2n]))

    expect(sum.finish(beyond)).toBeNull()
    expect(sum.finish(sum.merge(beyond, back))).toEqual(new Decimal(most - 1n, 2))
    expect(mean.finish(beyond)).toBe(5e15)
    expect(finished(sum, contract, rowsOf([-most, -1n]))).toBeNull()
    expect(finished(sum, contract, rowsOf([-most]))).toEqual(new Decimal(-most, 2))
  })
})

describe('a sum of longs', () => {
  it('is null from 2^63 on', () => {
    const { contract, sum } = sumOf(LONG)
    const most = 2n ** 63n - 1n

    expect(finished(sum, contract, rowsOf([most - 1n, 1n]))).toEqual(new Decimal(most, 0))
    expect(finished(sum, contract, rowsOf([most, 1n]))).toBeNull()
    expect(finished(sum, contract, rowsOf([-most, -1n]))).toEqual(new Decimal(-most - 1n, 0))
    expect(finished(sum, contract, rowsOf([-most, -2n]))).toBeNull()
  })

  it('is exact over more rows than one pass of words has room for', () => {
    const { sum } = sumOf(LONG)
    // The low words of so many sum up to more than 2^53, where doubles are even.
    const rows = 2 ** 22 + 3
    const values = new BigInt64Array(rows).fill(2n ** 63n - 1n)
    const batch = { rows, columns: new Map([['value', { kind: 'int64' as const, values }]]) }

    const [state] = sum.addBatch(batch, new Int32Array(rows), 1)

    const total = BigInt(rows) * (2n ** 63n - 1n)
    expect(sum.toStored(state)).toEqual(['sum/1', rows, String(total)])
  })
})

describe('a sum of doubles', () => {
  const { contract, sum, mean } = sumOf(DOUBLE)

  it('loses nothing to a value that a later one takes away again', () => {
    expect(finished(sum, contract, rowsOf([1e308, 1, 1e-300, -1e308]))).toBe(1)
    expect(finished(sum, contract, rowsOf([0.1, 0.2, 0.3, -0.6]))).toBe(2.7755575615628914e-17)
  })

  it('is null where no double is large enough, and its mean is not', () => {
    const rows = rowsOf([Number.MAX_VALUE, Number.MAX_VALUE])
    expect(finished(sum, contract, rows)).toBeNull()
    expect(finished(mean, contract, rows)).toBe(Number.MAX_VALUE)
  })

  it('has no negative zero', () => {
    expect(finished(sum, contract, rowsOf([-0, -0]))).toBe(0)
    expect(finished(mean, contract, rowsOf([-0]))).toBe(0)
  })

  it('takes little room for values of like size, however many', () => {
    const random = seededRandom(3)
    const values = Array.from({ length: 10_000 }, () => Math.round(random() * 1e6) / 100)
    const [state] = statesOf(sum, contract, rowsOf(values))
    expect(storedText(sum, state).length).toBeLessThan(50)
  })

  it.each([Infinity, -Infinity, Number.NaN])('refuses %s, which no contract admits', (value) => {
    expect(() => finished(sum, contract, rowsOf([1, value]))).toThrow('not finite')
  })

  it('is exact over more rows than one pass of words has room for', () => {
    const rows = 2 ** 22 + 3
    const values = new Float64Array(rows).fill(2 - 2 ** -52)
    const batch = { rows, columns: new Map([['value', { kind: 'float64' as const, values }]]) }

    const [state] = sum.addBatch(batch, new Int32Array(rows), 1)

    const numerator = BigInt(rows) * (2n ** 53n - 1n)
    expect(sum.toStored(state)).toEqual(['doubleSum/1', rows, `${numerator.toString(16)}p-52`])
  })

  it('of many groups, all of every size, is that of each group', () => {
    const random = seededRandom(4)
    const values = DOUBLES['of any size and sign']!(random, 9000)
    const groupCount = 70_000
    const rows = rowsOf(values, (position) => (position * 7919) % groupCount)

    const states = statesOf(sum, contract, rows, groupCount)

    for (const row of rows) {
      expect(sum.finish(states[row.group])).toBe((row.value as number) + 0)
    }
  })
})

describe('states of sums that were stored before they had a version', () => {
  it('are read, and stored with it from then on', () => {
    const { contract, sum, mean } = sumOf(MONEY)
    const old = { count: 3, sum: '-9223372036854775809' }

    for (const algebra of [sum, mean]) {
      const state = algebra.merge(
        algebra.fromStored(old),
        statesOf(algebra, contract, rowsOf([9n]))[0],
      )
      expect(algebra.toStored(state)).toEqual(['sum/1', 4, '-9223372036854775800'])
    }
  })

  it('are refused where they are not of that form', () => {
    const { sum } = sumOf(MONEY)
    for (const damaged of [null, 3, 'x', {}, { count: 1 }, { count: 1, sum: '1.5' }, []]) {
      expect(() => sum.fromStored(damaged)).toThrow(
        expect.objectContaining({ code: 'view.stateUnreadable' }),
      )
    }
  })
})
