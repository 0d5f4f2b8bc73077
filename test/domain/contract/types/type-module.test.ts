import { readFileSync } from 'node:fs'
import { transform } from 'esbuild'
import { describe, expect, it } from 'vitest'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { typeModule } from '#lib/domain/contract/types/type-module.ts'
import { decodeByVersion } from '#lib/domain/ingest/decode-by-version.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { TypeCheck } from '#test/support/type-check.ts'
import { contractDocument, field } from '../contract-document.ts'

function contractIn(file: string): Contract {
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message)
  return parsed.contract
}

/** An event's JSON with other data, or with other attributes. */
interface Sample {
  readonly attributes?: object
  readonly data?: object | 'none'
}

/** Whether types and validator take the samples, each as the text of the JSON that it is. */
function verdictsOn(
  contracts: readonly Contract[],
  type: string,
  event: { readonly data: object },
  samples: Readonly<Record<string, Sample>>,
) {
  const generated = typeModule(contracts)
  const texts = Object.entries(samples).map(([name, { attributes, data }]) => {
    const all = data === 'none' ? {} : { data: { ...event.data, ...data } }
    return [name, JSON.stringify({ ...event, ...attributes, data: undefined, ...all })] as const
  })
  const files = texts.map(([, text], at) => [
    `sample-${at}.ts`,
    `import type * as types from './types.ts'\nexport const event: types.${type} = ${text}\n`,
  ])
  const check = new TypeCheck({ 'types.ts': generated.text, ...Object.fromEntries(files) })
  expect(check.problems('types.ts')).toEqual([])
  const inForce = versionsOf(contracts).inForce(contracts.at(-1)!.version)
  return Object.fromEntries(
    texts.map(([name, text], at) => {
      const { rejected } = decodeByVersion(inForce, unpackRecord(record(1, text)), { shard: 's' })
      const validator = rejected[0]?.reason ?? 'accepted'
      const compiler = check.problems(`sample-${at}.ts`).length === 0 ? 'accepted' : 'refused'
      return [name, [validator, compiler]]
    }),
  )
}

const ACCEPTED = ['accepted', 'accepted']
const trips = contractIn('products/trips/contract.yaml')
const orders = contractIn('test/fixtures/orders/contract.yaml')
const order = {
  specversion: '1.0',
  id: '1',
  source: '/shop',
  type: 'com.example.order.placed',
  data: {
    order_id: '018f6f3e-7b1a-7c3d-9e2f-0a1b2c3d4e5f',
    placed_at: '2026-11-21T12:00:00+01:00',
    customer_id: 7,
    total: 19.95,
    shipping: { country: 'DE' },
    lines: [{ sku: 'A-17', quantity: 3 }],
  },
}

describe('types of a contract', () => {
  it('take an event of trips, and refuse what the validator refuses', () => {
    const verdicts = verdictsOn([trips], 'TripsEvent', JSON.parse(tripText({ id: '1' })), {
      same: {},
      absent: { data: { congestion_surcharge: undefined } },
      value: { data: { congestion_surcharge: 2.5 } },
      attributes: {
        attributes: { time: '2026-01-01T00:00:00Z', subject: null, traceparent: '00' },
      },
      declared: { attributes: { dataschema: 'urn:weir:trips:1' } },
      'json type': { attributes: { datacontenttype: 'application/cloudevents+json' } },
      'no fare': { data: { fare_amount: undefined } },
      'null fare': { data: { fare_amount: null } },
      'fare as a text': { data: { fare_amount: '12.50' } },
      'another flag': { data: { store_and_fwd_flag: 'X' } },
      'another rate': { data: { rate_code_id: 7 } },
      'a time as a number': { data: { pickup_datetime: 1_546_505_397 } },
      'another type': { attributes: { type: 'nyc.tlc.trip.started' } },
      'another version': { attributes: { dataschema: 'urn:weir:trips:2' } },
      'no id': { attributes: { id: undefined } },
      'no data': { attributes: { data: undefined }, data: 'none' },
      xml: { attributes: { datacontenttype: 'text/xml' } },
    })

    expect(verdicts).toEqual({
      same: ACCEPTED,
      absent: ACCEPTED,
      value: ACCEPTED,
      attributes: ACCEPTED,
      declared: ACCEPTED,
      'json type': ACCEPTED,
      'no fare': ['fare_amount.missing', 'refused'],
      'null fare': ['fare_amount.missing', 'refused'],
      'fare as a text': ['fare_amount.type', 'refused'],
      'another flag': ['store_and_fwd_flag.notAllowed', 'refused'],
      'another rate': ['rate_code_id.notAllowed', 'refused'],
      'a time as a number': ['pickup_datetime.type', 'refused'],
      'another type': ['event.eventType', 'refused'],
      'another version': ['event.version', 'refused'],
      'no id': ['event.id', 'refused'],
      'no data': ['event.data', 'refused'],
      xml: ['event.contentType', 'refused'],
    })
  })

  it('take objects and arrays as the validator does', () => {
    const verdicts = verdictsOn([orders], 'OrdersEvent', order, {
      same: {},
      'everything that is optional': {
        data: {
          shop_time: '2026-11-21 12:00:00',
          deliver_after: '17:30:00',
          deliver_on: '2026-11-24',
          weight_kg: 1.25,
          gift: false,
          priority: 3,
          coupons: ['ABC12', 'ABC13'],
          tracking_url: 'https://example.com/t/1',
        },
      },
      'null for what is optional': { data: { coupons: null, priority: null, gift: null } },
      'null in an array': { data: { lines: [{ sku: 'A', quantity: 1, discounts: [0.5, null] }] } },
      'null for an object inside': { data: { shipping: { country: 'DE', position: null } } },
      'an object as a text': { data: { shipping: 'DE' } },
      'an object without a member': { data: { shipping: { postal_code: '1' } } },
      'an object inside without one': {
        data: { shipping: { country: 'DE', position: { latitude: 1 } } },
      },
      'an item for an array': { data: { lines: { sku: 'A', quantity: 1 } } },
      'null for an item': { data: { lines: [null] } },
      'null in an array of required items': { data: { coupons: ['ABC12', null] } },
      'an item of another type': { data: { coupons: [1] } },
      'another priority': { data: { priority: 4 } },
    })

    expect(verdicts).toEqual({
      same: ACCEPTED,
      'everything that is optional': ACCEPTED,
      'null for what is optional': ACCEPTED,
      'null in an array': ACCEPTED,
      'null for an object inside': ACCEPTED,
      'an object as a text': ['shipping.type', 'refused'],
      'an object without a member': ['shipping.country.missing', 'refused'],
      'an object inside without one': ['shipping.position.longitude.missing', 'refused'],
      'an item for an array': ['lines.type', 'refused'],
      'null for an item': ['lines[].missing', 'refused'],
      'null in an array of required items': ['coupons[].missing', 'refused'],
      'an item of another type': ['coupons[].type', 'refused'],
      'another priority': ['priority.notAllowed', 'refused'],
    })
  })

  it('say what the contract says, in its words', async () => {
    await expect(typeModule([orders]).text).toMatchFileSnapshot('orders.types.txt')
  })

  it('let a number have more digits than a double keeps', () => {
    const exact = `import type { ExactNumber, Orders, OrdersEvent } from './types.ts'
const { rawJSON } = JSON as unknown as { rawJSON(text: string): ExactNumber }
const data: Orders = { ...${JSON.stringify(order.data)}, customer_id: rawJSON('9223372036854775806') }
export const event: OrdersEvent = { ...${JSON.stringify(order)}, data } as OrdersEvent
`
    const check = new TypeCheck({
      'types.ts': typeModule([orders]).text,
      'exact.ts': exact,
      'loose.ts': exact.replace("rawJSON('9223372036854775806')", "{ rawJSON: '1' }"),
      'total.ts': exact.replace('customer_id:', 'total:'),
    })

    expect(check.problems('exact.ts')).toEqual([])
    expect(check.problems('loose.ts').join()).toContain("'[exactNumber]' is missing")
    expect(check.problems('total.ts').join()).toContain("'ExactNumber' is not assignable")
    expect(typeModule([trips]).text).not.toContain('ExactNumber')
  })

  it('are only types: nothing is left of them when they run', async () => {
    const texts = [majors(), [accounts()], [orders]].map((one) => typeModule(one).text)
    const { code } = await transform(texts.join('\n'), { loader: 'ts' })

    expect(code.trim()).toBe('')
  })
})

/** Major 1 of trips, and a second one that renames its fare. */
function majors(undeclaredMajor?: number): Contract[] {
  const text = readFileSync('products/trips/contract.yaml', 'utf8')
  const second = text
    .replace('version: "1.0.0"', 'version: "2.1.0"')
    .replace('- name: fare_amount', '- name: fare')
  const parsed = parseContract(second, { file: 'second' })
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message)
  return [trips, { ...parsed.contract, ...(undeclaredMajor && { undeclaredMajor }) }]
}

describe('types of several majors', () => {
  const trip = JSON.parse(tripText({ id: '1' }))
  const { fare_amount: fare, ...rest } = trip.data
  const renamed = { ...trip, data: { ...rest, fare } }
  const first = { attributes: { dataschema: 'urn:weir:trips:1' } }
  const second = { attributes: { dataschema: 'urn:weir:trips:2' } }

  it('are a module each', () => {
    const { majors: found, text } = typeModule(majors())

    expect(found).toEqual([
      { major: 1, version: '1.0.0', namespace: 'v1', event: 'TripsEvent', data: 'Trips' },
      { major: 2, version: '2.1.0', namespace: 'v2', event: 'TripsEvent', data: 'Trips' },
    ])
    expect(text).toContain('rows of the table trips_v2')
  })

  it('tell by what an event declares who judges it', () => {
    expect(verdictsOn(majors(), 'TripsEvent', trip, { first, second, none: {} })).toEqual({
      first: ACCEPTED,
      second: ['fare.missing', 'refused'],
      none: ['fare.missing', 'refused'],
    })
    expect(
      verdictsOn(majors(), 'v2.TripsEvent', renamed, {
        second,
        none: {},
        'of one minor': {
          attributes: { dataschema: 'urn:weir:trips:2.1' },
        },
        'of no minor': { attributes: { dataschema: 'urn:weir:trips:2.2' } },
      }),
    ).toEqual({
      second: ACCEPTED,
      none: ACCEPTED,
      'of one minor': ACCEPTED,
      'of no minor': ['event.version', 'refused'],
    })
    expect(verdictsOn(majors(1), 'TripsEvent', trip, { none: {} })).toEqual({ none: ACCEPTED })
    expect(verdictsOn(majors(1), 'TripsEvent', renamed, { none: {}, second })).toEqual({
      none: ['fare_amount.missing', 'refused'],
      second: ACCEPTED,
    })
  })
})

/** Rows of accounts: a key, a required owner, a balance. */
function accounts(): Contract {
  return compileContract(
    contractDocument([], {
      top: {
        dataProduct: 'accounts',
        version: '3.0.0',
        customProperties: [
          ['weir.eventType', 'account.changed'],
          ['weir.eventTime', 'changed_at'],
          ['weir.partitionKey', 'account'],
          ['weir.costCenter', 'tests'],
          ['weir.cdc', 'debezium'],
          ['weir.cdcPosition', 'file, pos'],
        ].map(([property, value]) => ({ property: property!, value: value! })),
        schema: [
          {
            name: 'accounts',
            properties: [
              field('account', 'integer', 10, { required: true, primaryKey: true }),
              field('owner', 'string', 11, { required: true }),
              field('balance', 'number', 12, { physicalType: 'decimal(10, 2)' }),
            ],
          },
        ],
      },
    }),
  )
}

describe('types of changes', () => {
  const row = { account: 7, owner: 'Ada', balance: 12.5 }
  const source = { connector: 'mysql', file: 'bin.000003', pos: 154, ts_ms: 1_767_225_600_123 }
  const event = {
    specversion: '1.0',
    id: '1',
    source: '/db',
    type: 'account.changed',
    data: { source, ts_ms: 1, transaction: null },
  }

  it('have the images that each operation has', () => {
    const verdicts = verdictsOn([accounts()], 'AccountsEvent', event, {
      create: { data: { op: 'c', after: row, before: null } },
      read: { data: { op: 'r', after: row } },
      update: { data: { op: 'u', after: row } },
      'update with a key': { data: { op: 'u', before: { account: 7 }, after: row } },
      'update with nulls': { data: { op: 'u', before: { ...row, owner: null }, after: row } },
      delete: { data: { op: 'd', before: { account: 7 }, after: null } },
      'create without a row': { data: { op: 'c', after: null } },
      'create with a row before': { data: { op: 'c', before: row, after: row } },
      'create of half a row': { data: { op: 'c', after: { account: 7 } } },
      'update without a row': { data: { op: 'u', before: row } },
      'update without a key': { data: { op: 'u', before: { owner: 'Ada' }, after: row } },
      'delete without a row': { data: { op: 'd' } },
      'delete with a row after': { data: { op: 'd', before: row, after: row } },
      'another operation': { data: { op: 't', after: row } },
      'no position': { data: { op: 'c', after: row, source: { ts_ms: 1, file: 'a' } } },
      'no time': { data: { op: 'c', after: row, source: { file: 'a', pos: 1 } } },
    })

    expect(verdicts).toEqual({
      create: ACCEPTED,
      read: ACCEPTED,
      update: ACCEPTED,
      'update with a key': ACCEPTED,
      'update with nulls': ACCEPTED,
      delete: ACCEPTED,
      'create without a row': ['change.after', 'refused'],
      'create with a row before': ['change.before', 'refused'],
      'create of half a row': ['after.owner.missing', 'refused'],
      'update without a row': ['change.after', 'refused'],
      'update without a key': ['change.key', 'refused'],
      'delete without a row': ['change.before', 'refused'],
      'delete with a row after': ['change.after', 'refused'],
      'another operation': ['change.op', 'refused'],
      'no position': ['change.position', 'refused'],
      'no time': ['change.time', 'refused'],
    })
  })
})

describe('names of types', () => {
  it('are each given once, and the event’s and the data’s before those of fields', () => {
    const object = (name: string, id: number) =>
      field(name, 'object', id, { properties: [field('x', 'string', id + 1)] })
    const document = contractDocument(
      ['event', 'a_b', 'ab', 'a__b', 'a1', 'a_1'].map((name, at) => object(name, 20 + 2 * at)),
    )

    const {
      text,
      majors: [types],
    } = typeModule([compileContract(document)])

    expect(types).toMatchObject({ event: 'TestsEvent', data: 'Tests' })
    expect([...text.matchAll(/interface (\w+)/g)].map(([, name]) => name)).toEqual([
      'TestsEvent',
      'Tests',
      'TestsEvent_2',
      'TestsAB',
      'TestsAb',
      'TestsAB_2',
      'TestsA1',
      'TestsA1_2',
    ])
  })
})
