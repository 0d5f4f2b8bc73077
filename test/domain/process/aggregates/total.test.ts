import { expect, it } from 'vitest'
import { DYADIC, WHOLE } from '#lib/domain/process/aggregates/dyadic.ts'
import {
  dyadicOf,
  plusTotals,
  type Total,
  totalFromStored,
  totalOf,
  totalToStored,
} from '#lib/domain/process/aggregates/total.ts'

const LIMIT = 2n ** 53n
const WHOLES = [
  0n,
  1n,
  -1n,
  LIMIT - 1n,
  LIMIT,
  LIMIT + 1n,
  -LIMIT,
  1n - LIMIT,
  2n ** 70n,
  -(2n ** 70n),
]

it.each(WHOLES)('%d added to any other is what integers without a limit give', (a) => {
  const sums = WHOLES.map((b) => plusTotals(totalOf(a), totalOf(b)))

  expect(sums.map(wholeOf)).toEqual(WHOLES.map((b) => a + b))
})

it('a sum that comes back among the safe integers is stored as if it had never left them', () => {
  const back = plusTotals(plusTotals(totalOf(LIMIT - 1n), totalOf(5n)), totalOf(-6n))

  expect(totalToStored(WHOLE, back)).toBe(Number(LIMIT - 2n))
  expect(totalToStored(DYADIC, back)).toBe(Number(LIMIT - 2n))
})

it.each(WHOLES)('%d comes back as it was stored', (whole) => {
  for (const form of [WHOLE, DYADIC]) {
    const stored = totalToStored(form, totalOf(whole))
    expect(wholeOf(totalFromStored(form, JSON.parse(JSON.stringify(stored)))!)).toBe(whole)
  }
})

it.each(['x', null, 1.5, {}])('%j is no sum', (stored) => {
  expect(totalFromStored(WHOLE, stored)).toBeUndefined()
})

function wholeOf(total: Total): bigint {
  const { numerator, exponent } = dyadicOf(total)
  return numerator * 2n ** BigInt(exponent)
}
