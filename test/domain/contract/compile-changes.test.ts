import { describe, expect, it } from 'vitest'
import { compareContracts } from '#lib/domain/contract/compatibility.ts'
import { checkContract, compileContract } from '#lib/domain/contract/compile-contract.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { contractDocument, field } from './contract-document.ts'

type JsonObject = { readonly [name: string]: JsonValue }

interface Given {
  readonly custom?: Readonly<Record<string, JsonValue>>
  readonly properties?: readonly JsonObject[]
  readonly version?: string
}

const PROPERTIES = [
  field('id', 'integer', 10, { required: true, primaryKey: true }),
  field('name', 'string', 11, { required: true }),
  field('note', 'string', 12),
]

function changesDocument({ custom = {}, properties = PROPERTIES, version = '1.0.0' }: Given = {}) {
  const all: Record<string, JsonValue> = {
    'weir.eventType': 'row.changed',
    'weir.eventTime': 'changed_at',
    'weir.partitionKey': 'id',
    'weir.costCenter': 'tests',
    'weir.cdc': 'debezium',
    'weir.cdcPosition': 'lsn',
    ...custom,
  }
  return contractDocument([], {
    top: {
      version,
      customProperties: Object.entries(all).flatMap(([property, value]) =>
        value === null ? [] : [{ property, value }],
      ),
      schema: [{ name: 'tests', properties: [...properties] }],
    },
  })
}

function problemsOf(given: Given): readonly string[] {
  const checked = checkContract(changesDocument(given))
  return checked.ok ? [] : checked.problems.map((one) => one.message)
}

describe('a contract of changes', () => {
  it('says what names a row, what a row must have and how changes are ordered', () => {
    expect(compileContract(changesDocument()).changes).toEqual({
      format: 'debezium',
      position: ['lsn'],
      key: ['id'],
      required: ['id', 'name'],
    })
    expect(
      compileContract(changesDocument({ custom: { 'weir.cdcPosition': 'file, pos,row' } })).changes
        ?.position,
    ).toEqual(['file', 'pos', 'row'])
  })

  it('has a key in the order that it states', () => {
    const properties = [
      field('id', 'integer', 10, { required: true, primaryKey: true, primaryKeyPosition: 2 }),
      field('bank', 'string', 11, { required: true, primaryKey: true, primaryKeyPosition: 1 }),
    ]

    expect(compileContract(changesDocument({ properties })).changes?.key).toEqual(['bank', 'id'])
  })

  it('is absent from every other contract', () => {
    expect(compileContract(contractDocument()).changes).toBeUndefined()
  })

  it.each<[string, Given, RegExp]>([
    ['another envelope', { custom: { 'weir.cdc': 'maxwell' } }, /weir.cdc is "debezium"/],
    [
      'no key',
      { properties: [field('id', 'integer', 10, { required: true })] },
      /add "primaryKey: true" to the fields that name a row/,
    ],
    [
      'a key that may be missing',
      { properties: [field('id', 'integer', 10, { primaryKey: true })] },
      /"id" names a row: add "required: true"/,
    ],
    [
      'order by something that changes',
      { custom: { 'weir.partitionKey': 'name' } },
      /changes of a row keep their order by its key: write "value: id"/,
    ],
    [
      'an event time of the row',
      {
        custom: { 'weir.eventTime': 'at' },
        properties: [...PROPERTIES, field('at', 'timestamp', 13, { required: true })],
      },
      /the event is the change: write "value: changed_at"/,
    ],
    [
      'a column of Weir’s own',
      { properties: [...PROPERTIES, field('op', 'string', 13)] },
      /"op" is a column of every table of changes/,
    ],
    [
      'a partition that a change moves',
      { properties: [...PROPERTIES, field('day', 'date', 13, { partitioned: true })] },
      /"day" may change, and a row's changes belong into one partition/,
    ],
    [
      'nothing to order by',
      { custom: { 'weir.cdcPosition': null } },
      /weir.cdcPosition is missing: .* such as "lsn" or "file, pos, row"/,
    ],
    [
      'an order that the changes of a transaction do not have',
      { custom: { 'weir.cdcPosition': 'ts_ms, ts_ns' } },
      /the changes of a transaction share ts_ms and ts_ns: add what tells them apart/,
    ],
    [
      'a key whose events are in no order',
      { custom: { 'weir.spread': 2 } },
      /changes of a row keep their order, .*: remove weir.spread/,
    ],
    [
      'no member to order by',
      { custom: { 'weir.cdcPosition': 'lsn;drop' } },
      /weir.cdcPosition is "lsn;drop": name members of a change's source/,
    ],
  ])('is refused with %s', (_, given, message) => {
    expect(problemsOf(given).filter((problem) => message.test(problem))).toHaveLength(1)
  })

  it.each<[string, Given, string]>([
    ['is no more one of changes', { custom: { 'weir.cdc': '' } }, 'changesChanged'],
    [
      'orders changes in another way',
      { custom: { 'weir.cdcPosition': 'file, pos' } },
      'changePositionChanged',
    ],
    [
      'names rows in another way',
      {
        properties: [
          PROPERTIES[0]!,
          field('name', 'string', 11, { required: true, primaryKey: true, primaryKeyPosition: 2 }),
          PROPERTIES[2]!,
        ],
      },
      'rowKeyChanged',
    ],
    [
      'demands more of a row',
      {
        properties: [
          PROPERTIES[0]!,
          PROPERTIES[1]!,
          field('note', 'string', 12, { required: true }),
        ],
      },
      'madeRequired',
    ],
  ])('breaks if it %s', (_, given, kind) => {
    const before = changesDocument()
    const after =
      kind === 'changesChanged'
        ? contractDocument([], { custom: [] })
        : changesDocument({ ...given, version: '2.0.0' })

    const { breaking } = compareContracts(
      { contract: compileContract(before), document: before },
      { contract: compileContract(after), document: after },
    )

    expect(breaking.map((change) => change.kind)).toContain(kind)
  })

  it('may demand less of a row', () => {
    const before = changesDocument()
    const after = changesDocument({
      version: '1.1.0',
      properties: [PROPERTIES[0]!, field('name', 'string', 11), PROPERTIES[2]!],
    })

    const { breaking, compatible } = compareContracts(
      { contract: compileContract(before), document: before },
      { contract: compileContract(after), document: after },
    )

    expect([breaking, compatible.map((change) => change.kind)]).toEqual([[], ['madeOptional']])
  })
})
