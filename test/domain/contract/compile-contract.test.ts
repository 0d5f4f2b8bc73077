import { describe, expect, it } from 'vitest'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import { partitionSpecOf, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { contractDocument, contractWith, field, oneOf, rule } from './contract-document.ts'

function problemOf(...args: Parameters<typeof contractDocument>): string {
  try {
    compileContract(contractDocument(...args))
    return 'none'
  } catch (error) {
    expect(error).toMatchObject({ code: 'contract.invalid', retryable: false })
    return (error as Error).message
  }
}

describe('a compiled contract', () => {
  it('has defaults for what a small contract does not say', () => {
    expect(contractWith()).toMatchObject({
      product: 'tests',
      owner: 'testers',
      tier: 2,
      dataClassification: 'internal',
      stream: { shards: 1, retentionHours: 168, freshnessSeconds: 5 },
      dedupHorizonMinutes: 1440,
      maxFutureSkewMinutes: 60,
      outOfOrdernessSeconds: 60,
      stateRetentionDays: 30,
      maintenance: { schedule: 'daily', targetFileSizeMb: 32 },
      backfillApprovalCents: 1_000,
      retention: { rawDays: 730, quarantineDays: 90, undecodableDays: 14 },
      partitioning: [],
      rowRules: [],
    })
  })

  it('reads what is said of people, places, order, lateness and upkeep', () => {
    const custom = [
      ['weir.subject', 'key'],
      ['weir.residency', 'eu-west-1, eu-central-1,ap'],
      ['weir.spread', 8],
      ['weir.allowedLatenessSeconds', 0],
      ['weir.maintenance', 'hourly'],
      ['weir.targetFileSizeMb', 64],
      ['weir.keepSnapshots', 200],
      ['weir.keepSnapshotsHours', 48],
    ] as const

    expect(contractWith([], { custom })).toMatchObject({
      subject: 'key',
      residency: ['ap', 'eu-central-1', 'eu-west-1'],
      spread: 8,
      allowedLatenessSeconds: 0,
      maintenance: {
        schedule: 'hourly',
        targetFileSizeMb: 64,
        keepSnapshots: 200,
        keepSnapshotsHours: 48,
      },
    })
    const small = contractWith()
    expect(small.spread).toBe(1)
    expect(Object.keys(small)).not.toEqual(expect.arrayContaining(['subject']))
  })

  it.each([
    ['a subject that is a time', 'weir.subject', 'at', 'a subject is a string, int or long'],
    ['a subject that is no field', 'weir.subject', 'nobody', 'names no field'],
    ['a place that is none', 'weir.residency', 'Europe', '"Europe" is no AWS region'],
    ['no place', 'weir.residency', 'eu-west-1,', '"" is no AWS region'],
    ['more partitions than there are', 'weir.spread', 65, 'from 1 to 64'],
    [
      'upkeep at another time',
      'weir.maintenance',
      'weekly',
      'is daily, hourly, never, not "weekly"',
    ],
    ['files that no function could hold', 'weir.targetFileSizeMb', 1024, 'from 1 to 128'],
    ['a major to come', 'weir.undeclaredMajor', 2, 'at most 1'],
  ])('refuses %s', (_case, property, value, advice) => {
    expect(problemOf([], { custom: [[property, value]] })).toContain(advice)
  })

  it('survives the way of its document through JSON', () => {
    const document = contractDocument([field('n', 'integer', 12)])

    expect(compileContract(JSON.parse(JSON.stringify(document)))).toEqual(compileContract(document))
  })

  it.each([
    [{ logicalType: 'integer' }, { kind: 'int' }, {}],
    [{ logicalType: 'integer', logicalTypeOptions: { format: 'i64' } }, { kind: 'long' }, {}],
    [
      { logicalType: 'integer', logicalTypeOptions: { format: 'u8', maximum: 300 } },
      { kind: 'int' },
      { minimum: '0', maximum: '255' },
    ],
    [
      { logicalType: 'integer', logicalTypeOptions: { exclusiveMinimum: 0 } },
      { kind: 'int' },
      { minimum: '1' },
    ],
    [
      {
        logicalType: 'number',
        physicalType: 'DECIMAL(9,2)',
        logicalTypeOptions: { exclusiveMaximum: 0 },
      },
      { kind: 'decimal', precision: 9, scale: 2 },
      { maximum: '-0.01' },
    ],
    [{ logicalType: 'number', physicalType: 'double' }, { kind: 'double' }, {}],
    [{ logicalType: 'number', logicalTypeOptions: { format: 'f64' } }, { kind: 'double' }, {}],
    [
      { logicalType: 'timestamp', logicalTypeOptions: { timezone: false } },
      { kind: 'timestamp', localZone: 'Etc/UTC' },
      {},
    ],
    [
      { logicalType: 'string', quality: [oneOf('a', 'b')] },
      { kind: 'string' },
      { values: ['a', 'b'] },
    ],
  ])('reads %j', (options, type, constraints) => {
    const contract = contractWith([field('x', options.logicalType, 12, options)])

    expect(contract.fields.at(-1)).toMatchObject({ type })
    expect(contract.fields.at(-1)?.constraints).toEqual(constraints)
  })

  it('treats a field as personal by its classification or by its own word', () => {
    const { fields, dataClassification } = contractWith([
      field('a', 'string', 12, { classification: 'personal' }),
      field('b', 'string', 13, { classification: 'restricted' }),
      field('c', 'string', 14, { classification: 'confidential' }),
      field('d', 'string', 15, {
        classification: 'restricted',
        customProperties: [
          { property: 'weir.fieldId', value: 15 },
          { property: 'weir.personal', value: false },
        ],
      }),
    ])

    expect(fields.slice(2).map((one) => one.personal)).toEqual([true, true, false, false])
    expect(dataClassification).toBe('restricted')
  })

  it.each([
    ['an object of anything', { logicalType: 'object' }, 'states its properties'],
    ['an array of anything', { logicalType: 'array' }, 'states what its items are'],
    ['members of no object', { properties: [] }, 'write "logicalType: object"'],
    ['items of no array', { items: {} }, 'write "logicalType: array"'],
    [
      'a time of day with a zone',
      { logicalType: 'time', logicalTypeOptions: { timezone: true } },
      'is of no zone',
    ],
    [
      'a format that nobody checks',
      { logicalType: 'string', logicalTypeOptions: { format: 'password' } },
      'the format of a string is uuid, email, uri, hostname, ipv4',
    ],
    [
      'a time as a string',
      { logicalType: 'string', logicalTypeOptions: { format: 'date-time' } },
      'or "logicalType: timestamp"',
    ],
    ['a multiple of nothing', { logicalTypeOptions: { multipleOf: 0 } }, 'above zero'],
    [
      'a multiple between the values',
      {
        logicalType: 'number',
        physicalType: 'decimal(9, 2)',
        logicalTypeOptions: { multipleOf: 0.001 },
      },
      'must be a value of this field',
    ],
    [
      'a multiple of a double',
      { logicalType: 'number', physicalType: 'double', logicalTypeOptions: { multipleOf: 2 } },
      'use a decimal',
    ],
    ['unknown type', { logicalType: 'money' }, 'write string, date'],
    ['128-bit integer', { logicalTypeOptions: { format: 'i128' } }, 'i64 is the widest'],
    ['contradicting physical type', { physicalType: 'bigint' }, 'format: i64'],
    ['option of another type', { logicalTypeOptions: { maxLength: 3 } }, 'has no key "maxLength"'],
    ['inexact bound', { logicalTypeOptions: { maximum: 2 ** 60 } }, 'as the text of weir.minimum'],
    ['physical name', { physicalName: 'y' }, 'remove physicalName'],
    [
      'an enumeration without its values',
      { quality: [{ metric: 'invalidValues', mustBe: 0 }] },
      'need "arguments: { validValues: [...] }"',
    ],
    [
      'a misspelt enumeration',
      { quality: [{ metric: 'invalidValues', mustBe: 0, arguments: { validValue: [1] } }] },
      'write "validValues"',
    ],
    [
      'an enumeration that never says that it must hold',
      { quality: [{ metric: 'invalidValues', arguments: { validValues: [1] } }] },
      'need "mustBe: 0"',
    ],
    ['unknown classification', { classification: 'secret' }, 'public, internal'],
  ])('refuses what it would not enforce: %s', (_case, options, advice) => {
    expect(problemOf([field('x', 'integer', 12, options)])).toContain(advice)
  })

  it.each([
    ['event time', 'weir.eventTime'],
    ['partition key', 'weir.partitionKey'],
  ])('refuses an optional field as the %s', (_case, property) => {
    const document = contractDocument([field('seen', 'timestamp', 12)])
    const customProperties = [
      { property: 'weir.eventType', value: 't' },
      { property: 'weir.eventTime', value: property === 'weir.eventTime' ? 'seen' : 'at' },
      { property: 'weir.partitionKey', value: property === 'weir.partitionKey' ? 'seen' : 'key' },
      { property: 'weir.costCenter', value: 'c' },
    ]

    expect(() => compileContract({ ...document, customProperties })).toThrow(
      `${property} must always have a value: add "required: true" to "seen"`,
    )
  })

  it('refuses raw that would not outlive the dedup horizon', () => {
    const custom = [
      ['weir.rawRetentionDays', 40],
      ['weir.dedupHorizonMinutes', 43_200],
    ] as const

    expect(problemOf([], { custom })).toContain('write 60 or more')
  })

  it('keeps rules of one row and leaves those of other engines alone', () => {
    const soda = { type: 'custom', engine: 'soda', implementation: 'checks for x' }
    const contract = contractWith([field('until', 'timestamp', 12)], {
      quality: [soda, { metric: 'rowCount', mustBeGreaterThan: 0 }, rule('at < until', 'in_order')],
    })

    expect(contract.rowRules).toEqual([
      { name: 'in_order', left: 'at', operator: '<', right: { field: 'until' } },
    ])
  })

  it('gives up after fifty problems instead of listing ten thousand', () => {
    const fields = Array.from({ length: 900 }, (_, i) => field(`f${i}`, 'nonsense', 12 + i))

    expect(problemOf(fields).split('\n')).toHaveLength(50)
  })
})

describe('the table of a contract', () => {
  it('has Weir’s own columns, then the fields by their stated ids', () => {
    const contract = contractWith([
      field('price', 'number', 40, { physicalType: 'decimal(10, 2)', description: 'dollars' }),
      field('day', 'date', 12, { required: true }),
    ])

    expect(
      tableSchemaOf(contract).fields.map((one) => `${one.id} ${one.name} ${one.type}`),
    ).toEqual([
      '1 event_id string',
      '2 event_source string',
      '3 ingest_time timestamptz',
      '4 ingest_shard string',
      '5 ingest_sequence string',
      '6 ingest_index int',
      '10 at timestamptz',
      '11 key string',
      '40 price decimal(10, 2)',
      '12 day date',
    ])
    expect(tableSchemaOf(contract).fields.at(-2)).toMatchObject({ doc: 'dollars', required: false })
  })

  it('is partitioned by the fields that say so, in the order that they say', () => {
    const contract = contractWith([
      field('city', 'string', 12, { partitioned: true, partitionKeyPosition: 2 }),
      field('opened', 'timestamp', 13, { partitioned: true, partitionKeyPosition: 1 }),
    ])

    expect(partitionSpecOf(contract).fields).toEqual([
      { sourceId: 13, fieldId: 1000, name: 'opened_day', transform: 'day' },
      { sourceId: 12, fieldId: 1001, name: 'city', transform: 'identity' },
    ])
  })
})
