import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import { exampleEvent } from '#lib/domain/contract/example/example-event.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { contractDocument, field, oneOf, rule } from '../contract-document.ts'

function example(...args: Parameters<typeof contractDocument>) {
  const document = contractDocument(...args)
  return exampleEvent(compileContract(document), document)
}

/** The data of the example, as text: numbers keep their digits. */
function dataOf(...args: Parameters<typeof contractDocument>): string {
  const found = example(...args)
  return found.ok ? found.data : `none: ${found.why}`
}

function fileExample(file: string) {
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message)
  const found = exampleEvent(parsed.contract, parsed.document)
  return found.ok ? JSON.parse(found.text) : found
}

interface Given {
  readonly x?: JsonObject
  readonly items?: JsonObject
}

type JsonObject = { readonly [name: string]: JsonValue }

const options = (logicalTypeOptions: JsonObject) => ({ logicalTypeOptions })

describe('an example event', () => {
  it('is a CloudEvent of the product that says which version it follows', () => {
    expect(fileExample('products/trips/contract.yaml')).toMatchObject({
      specversion: '1.0',
      id: 'trips-1',
      source: '/example/trips',
      type: 'nyc.tlc.trip.completed',
      dataschema: 'urn:weir:trips:1',
      data: { rate_code_id: 1, store_and_fwd_flag: 'Y', fare_amount: 12.5 },
    })
  })

  it('has the examples that the contract gives', () => {
    expect(fileExample('test/fixtures/orders/contract.yaml').data).toMatchObject({
      order_id: '018f6f3e-7b1a-7c3d-9e2f-0a1b2c3d4e5f',
      total: 19.95,
      coupons: ['ABC12'],
      shipping: { country: 'DE', position: { latitude: 52.530644 } },
      lines: [{ sku: 'A-17', quantity: 3, discounts: [0.5] }],
    })
  })

  it('has none of those that do not fit', () => {
    const count = field('n', 'integer', 12, {
      examples: ['many', 11, 7],
      ...options({ maximum: 9 }),
    })

    expect(dataOf([count])).toContain('"n":7')
  })

  it('keeps all digits of a number', () => {
    const wide = field('n', 'integer', 12, {
      ...options({ format: 'i64' }),
      customProperties: [
        { property: 'weir.fieldId', value: 12 },
        { property: 'weir.minimum', value: '9223372036854775806' },
      ],
    })

    expect(dataOf([wide])).toContain('"n":9223372036854775806')
  })

  it.each<[string, JsonObject, RegExp]>([
    ['uuid', {}, /"[0-9a-f-]{36}"/],
    ['email', { minLength: 30 }, /"[^"@]+@[^"]{3,}"/],
    ['uri', { minLength: 40, maxLength: 40 }, /"https:\/\/example.com\/[^"]{20}"/],
    ['hostname', { minLength: 100 }, /"[a-z0-9.]{100}"/],
    ['ipv4', { minLength: 15 }, /"\d+\.\d+\.\d+\.\d+"/],
  ])('finds a text of the format %s with %o', (format, lengths, text) => {
    expect(dataOf([field('x', 'string', 12, options({ format, ...lengths }))])).toMatch(text)
  })

  it.each<[string, JsonObject, string]>([
    ['multiple', { multipleOf: 0.05, minimum: 3.01 }, '3.05'],
    ['multiple below zero', { multipleOf: 7, maximum: -1 }, '-7.00'],
    ['least value', { minimum: 99.5 }, '99.50'],
  ])('finds a %s', (_case, stated, value) => {
    const price = field('p', 'number', 12, { physicalType: 'decimal(6, 2)', ...options(stated) })

    expect(dataOf([price])).toContain(`"p":${value}}`)
  })

  it('finds items that differ, and null for one of them if it may be', () => {
    const items = (required: boolean) => ({
      logicalType: 'string',
      required,
      quality: [oneOf('a', 'b')],
      customProperties: [{ property: 'weir.fieldId', value: 13 }],
    })
    const list = (minItems: number, required: boolean) =>
      field('x', 'array', 12, {
        items: items(required),
        ...options({ minItems, uniqueItems: true }),
      })

    expect(dataOf([list(2, true)])).toContain('"x":["a","b"]')
    expect(dataOf([list(3, false)])).toContain('"x":["a","b",null]')
  })

  it('fits rules in a chain, whatever the scales', () => {
    const fields = [
      field('a', 'integer', 12, { required: true }),
      field('b', 'number', 13, { required: true, physicalType: 'decimal(9, 3)' }),
      field('c', 'integer', 14, { required: true, quality: [oneOf(5, 40)] }),
      field('d', 'integer', 15, { required: true, ...options({ maximum: 41 }) }),
    ]
    const quality = [
      rule('a < b', 'one'),
      rule('b > c', 'two'),
      rule('d > c', 'three'),
      rule('d != 6'),
    ]

    expect(dataOf(fields, { quality })).toMatch(/^\{"at"/)
  })

  it('compares times of different zones', () => {
    const local = (zone: string) => ({
      required: true,
      ...options({ timezone: false, defaultTimezone: zone }),
    })
    const fields = [
      field('a', 'timestamp', 12, local('Pacific/Apia')),
      field('b', 'timestamp', 13, local('America/New_York')),
    ]

    expect(dataOf(fields, { quality: [rule('a = b'), rule('a > at', 'later')] })).toMatch(/^\{"at"/)
  })

  it('leaves a field out that a rule leaves no value', () => {
    const fields = [field('n', 'integer', 12, options({ maximum: 5 }))]

    expect(dataOf(fields, { quality: [rule('n > 5')] })).not.toContain('"n"')
  })

  it.each<[string, Given, readonly JsonObject[], string]>([
    ['rules that leave no row', {}, [rule('n < n')], 'no row was found that its rules accept'],
    ['a text that is too long', { x: { minLength: 5_000 } }, [], 'no value of "x" was found'],
    ['a list that is too long', { items: { minItems: 5_000 } }, [], '5000 items in one array'],
    ['lists of lists of lists', { items: { minItems: 900 } }, [], 'more than 20000 characters'],
  ])('says why there is none: %s', (_case, { x = {}, items }, quality, why) => {
    const inner = (id: number, more: JsonObject) => ({
      ...more,
      required: true,
      customProperties: [{ property: 'weir.fieldId', value: id }],
    })
    const matrix = inner(14, {
      logicalType: 'array',
      ...options(items ?? {}),
      items: inner(15, { logicalType: 'string' }),
    })
    const fields = [
      field('n', 'integer', 12, { required: true }),
      field('x', 'string', 13, { required: true, ...options(x) }),
      ...(items
        ? [field('m', 'array', 16, { required: true, items: matrix, ...options(items) })]
        : []),
    ]

    expect(dataOf(fields, { quality })).toContain(why)
  })

  it('is the same each time', () => {
    expect(fileExample('products/trips/contract.yaml')).toEqual(
      fileExample('products/trips/contract.yaml'),
    )
  })
})

describe('an example of a change', () => {
  const changes = (...rules: readonly string[]) =>
    dataOf([], {
      top: {
        customProperties: [
          ['weir.eventType', 'row.changed'],
          ['weir.eventTime', 'changed_at'],
          ['weir.partitionKey', 'key'],
          ['weir.costCenter', 'tests'],
          ['weir.cdc', 'debezium'],
          ['weir.cdcPosition', 'file, pos'],
        ].map(([property, value]) => ({ property: property!, value: value! })),
        schema: [
          {
            name: 'tests',
            properties: [
              field('key', 'integer', 11, { required: true, primaryKey: true }),
              field('note', 'string', 12, { required: true }),
            ],
            quality: rules.map((text, at) => rule(text, `rule_${at}`)),
          },
        ],
      },
    })

  it('is the creation of a row', () => {
    expect(JSON.parse(changes())).toEqual({
      op: 'c',
      after: { key: 1, note: 'note 1' },
      source: { file: 1, pos: 1, ts_ms: Date.UTC(2026, 0, 31, 18) },
    })
  })

  it('is another one if the rules have it so', () => {
    expect(JSON.parse(changes("op != 'c'"))).toMatchObject({ op: 'u', after: { key: 1 } })
    expect(JSON.parse(changes("op = 'd'"))).toMatchObject({ op: 'd', before: { key: 1 } })
    expect(changes("op = 'x'")).toBe('none: no row was found that its rules accept')
  })

  it('happened when a rule has it', () => {
    expect(JSON.parse(changes("changed_at < '2020-01-01T00:00:00Z'"))).toMatchObject({
      source: { ts_ms: Date.UTC(2019, 11, 31, 23, 59) },
    })
  })
})
