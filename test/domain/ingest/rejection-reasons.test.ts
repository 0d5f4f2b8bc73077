import { describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { decode } from '#lib/domain/ingest/decode.ts'
import { EVENT_REASONS, rejectionReasons } from '#lib/domain/ingest/rejection-reasons.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { contractWith, field, oneOf, rule } from '#test/domain/contract/contract-document.ts'
import { record } from '#test/support/trip-events.ts'
import { ODD_VALUES } from './decoder/odd-values.ts'

const TYPES: readonly (readonly [string, NonNullable<Parameters<typeof field>[3]>])[] = [
  ['string', { logicalTypeOptions: { minLength: 2, maxLength: 4, pattern: '^[a-z]+$' } }],
  ['string', { logicalTypeOptions: { format: 'uuid' } }],
  ['string', { quality: [oneOf('a', 'b')] }],
  ['integer', { logicalTypeOptions: { minimum: 5, maximum: 10 } }],
  ['integer', { logicalTypeOptions: { format: 'i64', multipleOf: 7 } }],
  ['number', { physicalType: 'double', logicalTypeOptions: { maximum: 10 } }],
  ['number', { physicalType: 'decimal(6, 2)', logicalTypeOptions: { minimum: 5 } }],
  ['boolean', {}],
  ['date', { logicalTypeOptions: { maximum: '2020-01-01' } }],
  ['time', { logicalTypeOptions: { minimum: '08:00:00' } }],
  ['timestamp', { quality: [oneOf('2019-01-01T00:00:00Z')] }],
  ['timestamp', { logicalTypeOptions: { timezone: false } }],
]
const VALUES = [
  ...ODD_VALUES.filter((value) => isJson(value)),
  ...['"07:00:00"', '"09:00:00.1234567"', '"2019-01-01T00:00:00.1234567"', '"ab"', '1', '11', '3'],
]

function isJson(text: string): boolean {
  try {
    return JSON.parse(text) !== undefined
  } catch {
    return false
  }
}

/** The reasons that a field's values get when each is sent alone. */
function reasonsOf(contract: Contract, values: readonly string[]): Set<string> {
  const { name } = contract.fields.at(-1)!
  const head = `{"specversion":"1.0","id":"1","source":"/s","type":"test.happened","data":{"at":"2019-01-01T00:00:00Z","key":"k"`
  const texts = [`${head}}}`, ...values.map((value) => `${head},"${name}":${value}}}`)]
  const { rejected } = decode(
    contract,
    texts.flatMap((text) => unpackRecord(record(1, text))),
    { shard: 's' },
  )
  return new Set(rejected.map((one) => one.reason).filter((reason) => !reason.startsWith('event.')))
}

/** What is listed for the last field. */
function listed(contract: Contract): string[] {
  const { name } = contract.fields.at(-1)!
  return rejectionReasons(contract).filter((reason) => reason.startsWith(name))
}

describe('the reasons that are listed for a field', () => {
  it.each(TYPES)('of type %s %o are those that its values get, and all of them', (type, more) => {
    const contract = contractWith([field('x', type, 20, { required: true, ...more })])

    expect([...reasonsOf(contract, VALUES)].toSorted()).toEqual(listed(contract).toSorted())
  })

  it('of an object and of an array, too', () => {
    const item = {
      logicalType: 'object',
      required: true,
      properties: [field('n', 'integer', 22, { required: true }), field('b', 'boolean', 23)],
      customProperties: [{ property: 'weir.fieldId', value: 21 }],
    }
    const contract = contractWith([
      field('x', 'array', 20, {
        items: item,
        logicalTypeOptions: { minItems: 1, maxItems: 2, uniqueItems: true },
      }),
    ])
    const items = ['', '{}', 'null', '1', '{"n":1.5}', '{"n":"1"}', '{"n":1e10}', '{"n":1,"b":1}']
    const values = ['1', ...items.map((one) => `[${one}]`), '[{"n":1},{"n":1}]', '[1,1,1]']

    expect([...reasonsOf(contract, values)].toSorted()).toEqual(listed(contract).toSorted())
  })

  it('are none that it cannot get', () => {
    const optional = contractWith([field('x', 'boolean', 20)])

    expect(listed(optional)).toEqual(['x.type'])
  })
})

it('rules are listed by their names, and every event may get the general reasons', () => {
  const contract = contractWith([field('n', 'integer', 20)], { quality: [rule('n > 0', 'some')] })

  expect(rejectionReasons(contract)).toEqual(expect.arrayContaining(['rule:some', 'event.id']))
  expect(rejectionReasons(contract)).toEqual(expect.arrayContaining(Object.keys(EVENT_REASONS)))
  expect(rejectionReasons(contract).some((reason) => reason.startsWith('change.'))).toBe(false)
})
