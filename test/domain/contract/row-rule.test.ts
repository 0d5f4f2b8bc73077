import { describe, expect, it } from 'vitest'
import { parseRowRule, rowCheck } from '#lib/domain/contract/row-rule.ts'
import type { Scalar } from '#lib/domain/contract/scalar.ts'
import { contractWith, field } from './contract-document.ts'

const { fields } = contractWith([
  field('count', 'integer', 12),
  field('price', 'number', 13, { physicalType: 'decimal(10, 2)' }),
  field('rate', 'number', 14, { physicalType: 'double' }),
  field('flag', 'string', 15),
  field('open', 'boolean', 16),
  field('day', 'date', 17),
])

function passes(text: string, values: Readonly<Record<string, Scalar>>): boolean {
  const parsed = parseRowRule('r', text, fields)
  if (!parsed.ok) throw new Error(parsed.problem)
  return rowCheck(parsed.rule, fields)(fields.map(({ name }) => values[name] ?? null))
}

describe('a rule of one row', () => {
  it.each<[string, Readonly<Record<string, Scalar>>, boolean]>([
    ['count <= price', { count: 3n, price: 300n }, true],
    ['count < price', { count: 3n, price: 300n }, false],
    ['count != price', { count: 3n, price: 301n }, true],
    ['price >= 0.05', { price: 5n }, true],
    ['price > 5e-2', { price: 5n }, false],
    ['rate < 0.5', { rate: 0.25 }, true],
    ["flag = 'Y'", { flag: 'N' }, false],
    ["flag != ''", { flag: 'N' }, true],
    ['open = true', { open: false }, false],
    ["day >= '1970-01-02'", { day: 1 }, true],
    ["at < '1970-01-01T00:00:01Z'", { at: 1_000_000n }, false],
    ['count <= price', { count: 3n }, true],
    ['count <= price', { price: 3n }, true],
  ])('%s of %o is %s', (text, values, expected) => {
    expect(passes(text, values)).toBe(expected)
  })

  it.each([
    ['count <= ', 'not a row rule'],
    ['count <= price; drop', 'not a row rule'],
    ['count <= price + 1', 'not a row rule'],
    ['process.exit(1) = 1', 'not a row rule'],
    [`count <= ${'1'.repeat(600)}`, 'not a row rule'],
    ['counts > 1', 'unknown field "counts"'],
    ['count > prices', 'unknown field "prices"'],
    ['count > flag', 'cannot be compared'],
    ['count > rate', 'cannot be compared'],
    ["flag > 'A'", 'has no order'],
    ["count > 'A'", 'no value of "count"'],
    ['price > 0.001', 'no value of "price"'],
    ["day > '2019-02-30'", 'no value of "day"'],
  ])('%s is refused: %s', (text, problem) => {
    expect(parseRowRule('r', text, fields)).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem),
    })
  })
})
