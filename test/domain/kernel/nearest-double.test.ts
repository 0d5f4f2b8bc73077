import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearestDouble } from '#lib/domain/kernel/nearest-double.ts'
import { exactDouble, nearestOf } from '../process/aggregates/rational-oracle.ts'

const double = fc.double({ noNaN: true, noDefaultInfinity: true })

describe('the nearest double', () => {
  it('of a double is itself', () => {
    fc.assert(
      fc.property(double, (value) => {
        const { dividend, divisor } = exactDouble(value)
        expect(nearestDouble(dividend, divisor)).toBe(value + 0)
      }),
    )
  })

  it('of a quotient of doubles is what dividing them gives', () => {
    fc.assert(
      fc.property(double, double, (left, right) => {
        fc.pre(right !== 0)
        const [a, b] = [exactDouble(left), exactDouble(Math.abs(right))]
        const quotient = nearestDouble(a.dividend * b.divisor, a.divisor * b.dividend)
        expect(quotient + 0).toBe(left / Math.abs(right) + 0)
      }),
      { numRuns: 1000 },
    )
  })

  it('of any fraction is the one that a search among all doubles finds', () => {
    const any = fc.bigInt({ min: -(2n ** 1200n), max: 2n ** 1200n })
    const positive = fc.bigInt({ min: 1n, max: 2n ** 1200n })
    fc.assert(
      fc.property(any, positive, (dividend, divisor) => {
        expect(nearestDouble(dividend, divisor)).toBe(nearestOf({ dividend, divisor }))
      }),
    )
  })

  it.each([
    ['a tie goes to the even one below', 2n ** 53n + 1n, 1n, 2 ** 53],
    ['a tie goes to the even one above', 2n ** 53n + 3n, 1n, 2 ** 53 + 4],
    ['a hair above a tie goes up', 2n ** 154n + 2n ** 101n + 1n, 2n ** 101n, 2 ** 53 + 2],
    ['half of the least double goes to 0', 1n, 2n ** 1075n, 0],
    ['more than half of it goes to it', 3n, 2n ** 1076n, 5e-324],
    ['a subnormal number is rounded once', 2n ** 53n - 1n, 2n ** 1127n, 2 ** -1074],
    ['the last that is finite', 2n ** 1024n - 2n ** 970n - 1n, 1n, Number.MAX_VALUE],
    ['the first that is not', 2n ** 1024n - 2n ** 970n, 1n, Infinity],
    ['far beyond', 2n ** 5000n, 1n, Infinity],
    ['far below', 1n, 2n ** 5000n, 0],
    ['zero', 0n, 7n, 0],
  ])('%s', (_case, dividend, divisor, expected) => {
    expect(nearestDouble(dividend, divisor)).toBe(expected)
    expect(nearestDouble(-dividend, divisor) + 0).toBe(-expected + 0)
  })
})
