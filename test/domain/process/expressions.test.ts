import { expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { type Column, utf8Column } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import type { Expression } from '#lib/domain/process/expressions/expression.ts'
import { shapedRows, viewRowsOf } from '#lib/domain/process/expressions/view-rows.ts'
import { contractOfView, definitionHash } from '#lib/domain/process/view.ts'
import { contractWith, field } from '#test/domain/contract/contract-document.ts'

const contract = contractWith([
  field('n', 'integer', 12),
  field('price', 'number', 13, { physicalType: 'decimal(10, 2)' }),
  field('tags', 'array', 14, { items: nameless('string', 15) }),
])

const n: Expression = { column: 'n' }
const one: Expression = { literal: 1 }

it.each<[string, unknown, string]>([
  ['a field that is not there', { column: 'm' }, '"m" is no field of the contract'],
  [
    'a list',
    { operator: 'isNull', of: [{ column: 'tags' }] },
    '"tags" is a list: nothing is computed of it',
  ],
  ['no expression', 'n > 1', '"n > 1" is no expression: write { column } or { literal }'],
  [
    'an operator that does not exist',
    { operator: 'power', of: [n, one] },
    'there is no operator "power"',
  ],
  [
    'a text beside a number',
    { operator: 'eq', of: [{ column: 'key' }, one] },
    '"eq" puts a string beside a long: make them alike',
  ],
  [
    'a sum of texts',
    { operator: 'add', of: [{ column: 'key' }, one] },
    '"add" is of numbers, not of a string',
  ],
  ['one too few', { operator: 'add', of: [n] }, '"add" is of two'],
  ['nothing to choose from', { operator: 'case', when: [] }, '"case" is of a list of at least one'],
  ['a number as a condition', { operator: 'not', of: [n] }, '"not" is of a boolean, not of an int'],
  [
    'a zone that nobody knows',
    { operator: 'hour', of: [{ column: 'at' }], zone: 'Mars/Base' },
    '"Mars/Base" is no time zone: write one like "America/New_York"',
  ],
  [
    'a step of nothing',
    { operator: 'floorTo', of: [n], step: 0 },
    'the step of "floorTo" is a whole number from 1',
  ],
  [
    'a number that is not exact',
    { literal: 2 ** 60 },
    '1152921504606847000 is too large to be exact',
  ],
  [
    'a decimal of letters',
    { decimal: '1.5x' },
    '"1.5x" is no decimal of at most 18 digits, such as "1.50"',
  ],
  [
    'too many digits',
    { operator: 'multiply', of: [{ decimal: '0.0000000001' }, { decimal: '0.000000001' }] },
    'the product of two decimals would have too many digits behind the point',
  ],
])('refuses %s in one line', (_, value, message) => {
  const derived = [{ name: 'made', value: value as Expression }]

  expect(() => viewRowsOf({ derived }, contract)).toThrow(`made: ${message}`)
})

it('refuses expressions without an end', () => {
  let deep: Expression = n
  for (let level = 0; level < 1000; level++) deep = { operator: 'isNull', of: [deep] }

  expect(() => viewRowsOf({ filter: deep }, contract)).toThrow(
    'filter: an expression has more than 50 levels',
  )
})

it.each<[string, Parameters<typeof viewRowsOf>[0], string]>([
  [
    'a name that is taken',
    { derived: [{ name: 'n', value: one }] },
    'there is a column "n" already',
  ],
  [
    'a name that is none',
    { derived: [{ name: 'Not ok', value: one }] },
    '"Not ok" names no column',
  ],
  ['a filter that is no condition', { filter: n }, 'the filter is a condition, not an int'],
])('refuses %s', (_, definition, message) => {
  expect(() => viewRowsOf(definition, contract)).toThrow(message)
})

it('names the view and the product where a view is wrong', () => {
  const view = { name: 'sums', filter: n }

  expect(() => contractOfView(view, { current: contract, majors: [contract] } as never)).toThrow(
    'tests: view "sums": the filter is a condition, not an int',
  )
})

it('a row counts only if the filter is true, and a derived column may name those before it', () => {
  const rows = viewRowsOf(
    {
      derived: [
        { name: 'twice', value: { operator: 'add', of: [n, n] } },
        {
          name: 'label',
          value: {
            operator: 'concat',
            of: [{ operator: 'text', of: [{ column: 'twice' }] }, { literal: '!' }],
          },
        },
      ],
      filter: { operator: 'gt', of: [{ column: 'twice' }, { literal: 2 }] },
    },
    contract,
  )
  const values: Column = {
    kind: 'int32',
    values: Int32Array.of(1, 2, 0, 3),
    nulls: Uint8Array.of(0, 0, 1, 0),
  }

  const { batch, leftOut } = shapedRows(rows, { rows: 4, columns: new Map([['n', values]]) })

  expect(leftOut).toEqual(Uint8Array.of(1, 0, 1, 0))
  expect(batch.columns.get('label')).toEqual(utf8Column(['2!', '4!', null, '6!']))
  expect(rows.sources).toEqual(new Set(['n']))
})

it('knows how long a text that is a key can become, if anybody can', () => {
  const bounded = withKeyOf(contract, 7)
  const text: Expression = {
    operator: 'concat',
    of: [{ column: 'key' }, { literal: '-' }, { operator: 'text', of: [n] }],
  }
  const lengthIn = (some: Contract) =>
    viewRowsOf({ derived: [{ name: 'made', value: text }] }, some).contract.fields.at(-1)!
      .constraints.maxLength

  expect(lengthIn(contract)).toBeUndefined()
  expect(lengthIn(bounded)).toBe(7 + 1 + 11)
})

it('what is computed of a personal field is personal', () => {
  const named = {
    ...contract,
    fields: contract.fields.map((one) => ({ ...one, personal: one.name === 'key' })),
  }
  const derived = [
    { name: 'first', value: { operator: 'concat', of: [{ column: 'key' }, { literal: '' }] } },
    { name: 'second', value: { operator: 'isNull', of: [{ column: 'first' }] } },
    { name: 'third', value: { operator: 'isNull', of: [n] } },
  ] as const

  const { fields } = viewRowsOf({ derived }, named).contract

  expect(fields.slice(-3).map(({ personal }) => personal)).toEqual([true, true, false])
})

it('a view means something else once it has a filter, and the same as before without one', () => {
  const view = {
    name: 'sums',
    description: '',
    key: 'key',
    window: { kind: 'running' },
    aggregates: [{ name: 'rows', function: 'count' }],
    freshnessSeconds: 60,
  } as const
  const hashes = [
    definitionHash(view, contract),
    definitionHash({ ...view, filter: { literal: true } }, contract),
    definitionHash({ ...view, derived: [{ name: 'made', value: one }] }, contract),
  ]

  expect(new Set(hashes).size).toBe(3)
  // States of views that stood before there were filters are theirs for ever.
  const before = '["key",{"kind":"running"},[{"name":"rows","function":"count"}],1]'
  expect(hashes[0]).toBe(contentHash(Buffer.from(before)))
})

function withKeyOf(some: Contract, maxLength: number): Contract {
  return {
    ...some,
    fields: some.fields.map((one) =>
      one.name === 'key' ? { ...one, constraints: { ...one.constraints, maxLength } } : one,
    ),
  }
}

function nameless(logicalType: string, id: number) {
  const { name: _, ...items } = field('', logicalType, id)
  return items
}
