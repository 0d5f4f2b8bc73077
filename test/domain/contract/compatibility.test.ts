import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { compareContracts } from '#lib/domain/contract/compatibility.ts'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import { CHANGE_KINDS } from '#lib/domain/contract/contract-change.ts'
import { contractSource, sourceLines } from '#lib/domain/contract/contract-source.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { contractDocument, field, oneOf, rule } from './contract-document.ts'

type Args = Parameters<typeof contractDocument>

function documented(...args: Args) {
  const document = contractDocument(...args)
  return { document, contract: compileContract(document) }
}

/** The kinds of change from one small contract to another. */
function kinds(before: Args, after: Args): string[] {
  const { breaking, compatible } = compareContracts(documented(...before), documented(...after))
  return [...breaking, ...compatible].map((change) => change.kind)
}

/** One optional field before and after. */
function fieldKinds(before: JsonObject, after: JsonObject): string[] {
  const one = (given: JsonObject): Args => {
    const { type = 'integer', name = 'x', id = 12, ...rest } = given
    return [[field(name as string, type as string, id as number, rest)]]
  }
  return kinds(one(before), one(after))
}

type JsonObject = { readonly [name: string]: JsonValue }

const decimal = (precision: number, scale = 2): JsonObject => ({
  type: 'number',
  physicalType: `decimal(${precision}, ${scale})`,
})
const options = (logicalTypeOptions: JsonObject, type = 'integer'): JsonObject => ({
  type,
  logicalTypeOptions,
})
const text = (logicalTypeOptions: JsonObject): JsonObject => options(logicalTypeOptions, 'string')
const local = (zone: string) => options({ timezone: false, defaultTimezone: zone }, 'timestamp')
const members = (...values: number[]): JsonObject => ({ quality: [oneOf(...values)] })

describe('a change of a field', () => {
  it.each<[string, JsonObject, JsonObject, string[]]>([
    ['integer widened', {}, options({ format: 'i64' }), ['typeWidened']],
    ['integer narrowed', options({ format: 'i64' }), {}, ['typeNarrowed']],
    [
      '8 bits to 16',
      options({ format: 'i8' }),
      options({ format: 'i16' }),
      ['constraintLoosened', 'constraintLoosened'],
    ],
    [
      '16 bits to 8',
      options({ format: 'i16' }),
      options({ format: 'i8' }),
      ['constraintTightened', 'constraintTightened'],
    ],
    ['more digits', decimal(9), decimal(12), ['typeWidened']],
    ['fewer digits', decimal(12), decimal(9), ['typeNarrowed']],
    ['another scale', decimal(9), decimal(12, 4), ['scaleChanged']],
    ['another type', {}, { type: 'string' }, ['typeChanged']],
    ['a number as double', decimal(9), { type: 'number', physicalType: 'double' }, ['typeChanged']],
    ['a date as timestamp', { type: 'date' }, { type: 'timestamp' }, ['typeChanged']],
    ['another zone', local('Europe/Berlin'), local('Europe/Paris'), ['zoneChanged']],
    ['offsets instead of a zone', local('Europe/Berlin'), { type: 'timestamp' }, ['zoneChanged']],
    ['renamed', {}, { name: 'y' }, ['fieldRenamed']],
    [
      'renamed and widened',
      {},
      { name: 'y', ...options({ format: 'i64' }) },
      ['fieldRenamed', 'typeWidened'],
    ],
    ['its id given to another', {}, { name: 'y', type: 'string' }, ['fieldIdReused']],
    ['another id', {}, { id: 13 }, ['fieldIdChanged']],
    ['made required', {}, { required: true }, ['madeRequired']],
    ['made optional', { required: true }, {}, ['madeOptional']],
    ['made personal', {}, { classification: 'personal' }, ['personalChanged', 'termsChanged']],
    ['lower minimum', options({ minimum: 5 }), options({ minimum: 4 }), ['constraintLoosened']],
    ['higher minimum', options({ minimum: 5 }), options({ minimum: 6 }), ['constraintTightened']],
    [
      'the same minimum otherwise',
      options({ minimum: 5 }),
      options({ exclusiveMinimum: 4 }),
      ['documentationChanged'],
    ],
    ['higher maximum', options({ maximum: 5 }), options({ maximum: 6 }), ['constraintLoosened']],
    ['new maximum', {}, options({ maximum: 6 }), ['constraintTightened']],
    ['no maximum', options({ maximum: 5 }), {}, ['constraintLoosened']],
    [
      'widened to a type with a bound',
      {},
      options({ format: 'u32' }),
      ['constraintTightened', 'typeWidened', 'constraintLoosened'],
    ],
    ['longer', text({ maxLength: 5 }), text({ maxLength: 6 }), ['constraintLoosened']],
    ['shorter', text({ maxLength: 5 }), text({ maxLength: 4 }), ['constraintTightened']],
    ['at least shorter', text({ minLength: 5 }), text({ minLength: 4 }), ['constraintLoosened']],
    ['no pattern', text({ pattern: '^a' }), text({}), ['constraintLoosened']],
    ['new pattern', text({}), text({ pattern: '^a' }), ['constraintTightened']],
    [
      'another pattern',
      text({ pattern: '^a' }),
      text({ pattern: '^[ab]' }),
      ['constraintTightened'],
    ],
    ['one value more', members(1, 2), members(1, 2, 3), ['constraintLoosened']],
    ['one value less', members(1, 2), members(1), ['constraintTightened']],
    ['values in another order', members(1, 2), members(2, 1), ['documentationChanged']],
    ['any value', members(1, 2), {}, ['constraintLoosened']],
    ['only some values', {}, members(1, 2), ['constraintTightened']],
    ['a description', {}, { description: 'new' }, ['documentationChanged']],
    ['examples', {}, { examples: [1] }, ['documentationChanged']],
  ])('%s', (_case, before, after, expected) => {
    expect(fieldKinds(before, after)).toEqual(expected)
  })

  it('is told with its old and its new value', () => {
    const { breaking } = compareContracts(
      documented([field('x', 'number', 12, { physicalType: 'decimal(9, 2)' })]),
      documented([field('x', 'number', 12, { physicalType: 'decimal(9, 3)' })]),
    )

    expect(breaking).toEqual([
      {
        kind: 'scaleChanged',
        field: 'x',
        message: 'decimal(9, 3) was decimal(9, 2)',
        before: ['schema', 0, 'properties', 2, 'physicalType'],
        after: ['schema', 0, 'properties', 2, 'physicalType'],
      },
    ])
  })

  it('is nothing if only the order of the fields changed in the file', () => {
    const [a, b] = [field('a', 'string', 12), field('b', 'string', 13)]

    expect(kinds([[a, b]], [[b, a]])).toEqual(['documentationChanged'])
  })
})

describe('fields that come and go', () => {
  const required = { required: true }

  it('optional ones may come', () => {
    expect(kinds([[]], [[field('x', 'string', 12)]])).toEqual(['fieldAdded'])
  })

  it('required ones may not, and none may go', () => {
    expect(kinds([[]], [[field('x', 'string', 12, required)]])).toEqual(['requiredFieldAdded'])
    expect(kinds([[field('x', 'string', 12)]], [[]])).toEqual(['fieldRemoved'])
  })
})

describe('a change of the whole', () => {
  const two = [field('seen', 'timestamp', 12, { required: true, partitioned: true })]

  it.each<[string, Args, Args, string[]]>([
    [
      'event time',
      [two],
      [two, { custom: [], top: terms({ 'weir.eventTime': 'seen' }) }],
      ['eventTimeChanged'],
    ],
    [
      'partition key',
      [two],
      [two, { top: terms({ 'weir.partitionKey': 'seen' }) }],
      ['partitionKeyChanged'],
    ],
    ['event type', [], [[], { top: terms({ 'weir.eventType': 'other' }) }], ['eventTypeChanged']],
    [
      'partitioning',
      [two],
      [[field('seen', 'timestamp', 12, { required: true })]],
      ['partitioningChanged'],
    ],
    [
      'shorter horizon',
      [],
      [[], { custom: [['weir.dedupHorizonMinutes', 60]] }],
      ['dedupHorizonShortened'],
    ],
    [
      'longer horizon',
      [],
      [[], { custom: [['weir.dedupHorizonMinutes', 9999]] }],
      ['dedupHorizonLengthened'],
    ],
    ['tier', [], [[], { custom: [['weir.tier', 3]] }], ['termsChanged']],
    ['shards', [], [[], { custom: [['weir.shards', 3]] }], ['termsChanged']],
    ['owner', [], [[], { top: { team: { name: 'others' } } }], ['termsChanged']],
    ['title', [], [[], { top: { name: 'Tests' } }], ['documentationChanged']],
    [
      'tags',
      [[], { top: { tags: ['a'] } }],
      [[], { top: { tags: ['a', 'b'] } }],
      ['documentationChanged'],
    ],
    ['nothing but the version', [], [[], { top: { version: '1.0.1' } }], []],
  ])('%s', (_case, before, after, expected) => {
    expect(kinds(before, after)).toEqual(expected)
  })

  it('another product is no version of this one', () => {
    const other = contractDocument()
    const document = JSON.parse(JSON.stringify(other).replaceAll('"tests"', '"others"'))
    const after = { document, contract: compileContract(document) }

    expect(compareContracts(documented(), after).breaking[0]?.kind).toBe('productChanged')
  })

  it('a wider type parts the table otherwise', () => {
    const zone = (more: JsonObject) => [
      field('zone', 'integer', 12, { partitioned: true, ...more }),
    ]

    expect(kinds([zone({})], [zone({ logicalTypeOptions: { format: 'i64' } })])).toEqual([
      'partitioningChanged',
      'typeWidened',
    ])
  })
})

describe('a change of the row rules', () => {
  const fields = [field('n', 'integer', 12), field('m', 'integer', 13)]
  const ruled = (...rules: JsonObject[]): Args => [fields, { quality: rules }]

  it.each<[string, JsonObject[], JsonObject[], string[]]>([
    ['added', [], [rule('n > 0')], ['ruleAdded']],
    ['removed', [rule('n > 0')], [], ['ruleRemoved']],
    ['renamed', [rule('n > 0', 'a')], [rule('n > 0', 'b')], ['ruleRenamed']],
    ['higher floor', [rule('n > 0')], [rule('n > 1')], ['ruleTightened']],
    ['lower floor', [rule('n > 1')], [rule('n > 0')], ['ruleLoosened']],
    ['floor included', [rule('n > 0')], [rule('n >= 0')], ['ruleLoosened']],
    ['floor excluded', [rule('n >= 0')], [rule('n > 0')], ['ruleTightened']],
    ['higher ceiling', [rule('n < 5')], [rule('n <= 9')], ['ruleLoosened']],
    ['a value as a ceiling', [rule('n = 5')], [rule('n < 9')], ['ruleLoosened']],
    ['another value', [rule('n = 5')], [rule('n = 6')], ['ruleTightened']],
    ['a ceiling as a hole', [rule('n < 5')], [rule('n != 7')], ['ruleLoosened']],
    ['another hole', [rule('n != 5')], [rule('n != 7')], ['ruleTightened']],
    ['two fields, equal too', [rule('n < m')], [rule('n <= m')], ['ruleLoosened']],
    ['two fields, turned', [rule('n < m')], [rule('n > m')], ['ruleTightened']],
    [
      'follows from another',
      [rule('n > 5', 'a')],
      [rule('n > 5', 'a'), rule('n > 0', 'b')],
      ['ruleLoosened'],
    ],
  ])('%s', (_case, before, after, expected) => {
    expect(kinds(ruled(...before), ruled(...after))).toEqual(expected)
  })
})

describe('the version that a change needs', () => {
  const versioned = (version: string, ...fields: JsonObject[]) =>
    documented(fields, { top: { version } })
  const [x, wide, y] = [
    field('x', 'integer', 12),
    field('x', 'integer', 12, { logicalTypeOptions: { format: 'i64' } }),
    field('y', 'string', 13),
  ]

  it.each([
    ['the same document', versioned('1.2.3', x), versioned('1.2.3', x), undefined],
    ['a version for nothing', versioned('1.2.3', x), versioned('1.2.4', x), undefined],
    ['a widening with a new patch', versioned('1.2.3', x), versioned('1.2.4', wide), undefined],
    ['ten is more than nine', versioned('1.9.0', x), versioned('1.10.0', wide), undefined],
    ['a break with a new major', versioned('1.2.3', x, y), versioned('2.0.0', x), undefined],
    [
      'a break without one',
      versioned('1.2.3', x, y),
      versioned('1.3.0', x),
      "a breaking change needs a new major version, not 1.3.0: write version: '2.0.0'",
    ],
    [
      'a change without a new version',
      versioned('1.2.3', x),
      versioned('1.2.3', x, y),
      "the contract changed, but its version is still 1.2.3: write version: '1.3.0'",
    ],
    [
      'words without a new version',
      versioned('1.2.3', x),
      versioned('1.2.3', { ...x, description: 'n' }),
      "the contract changed, but its version is still 1.2.3: write version: '1.2.4'",
    ],
    [
      'an older version',
      versioned('1.10.0', x),
      versioned('1.9.0', x),
      "version 1.9.0 is older than 1.10.0: write version: '1.10.0'",
    ],
  ])('%s', (_case, before, after, problem) => {
    expect(compareContracts(before, after).versionProblem).toBe(problem)
  })
})

describe('both lines of a change', () => {
  const trips = readFileSync('products/trips/contract.yaml', 'utf8')

  function linesOf(before: string, after: string): string[] {
    const source = (text: string, file: string) => contractSource(text, file)!
    const [was, is] = [source(trips, 'old.yaml'), source(trips.replace(before, after), 'new.yaml')]
    const { breaking, compatible } = compareContracts(was, is)
    const show = (place: ReturnType<ReturnType<typeof sourceLines>>) =>
      `${place.file}:${place.line}: ${place.absent ? `(in ${place.text.trim()})` : place.text.trim()}`
    return [...breaking, ...compatible].flatMap((change) => [
      show(sourceLines(was)(change.before)),
      show(sourceLines(is)(change.after)),
    ])
  }
  const lineOf = (text: string) => trips.slice(0, trips.indexOf(text)).split('\n').length

  it('are those that a person would look at', () => {
    const fare = lineOf('- name: fare_amount')
    expect(linesOf('- name: fare_amount', '- name: fare')).toEqual([
      `old.yaml:${fare}: - name: fare_amount`,
      `new.yaml:${fare}: - name: fare`,
    ])
    const maximum = lineOf('maximum: 99')
    expect(linesOf('          maximum: 99\n', '')).toEqual([
      `old.yaml:${maximum}: maximum: 99`,
      `new.yaml:${maximum - 2}: (in logicalTypeOptions:)`,
    ])
    const horizon = lineOf('value: 1440')
    expect(linesOf('value: 1440', 'value: 2880')).toEqual([
      `old.yaml:${horizon}: value: 1440`,
      `new.yaml:${horizon}: value: 2880`,
    ])
    const rules = lineOf('implementation: pickup_datetime')
    expect(linesOf('pickup_datetime <= dropoff', 'pickup_datetime < dropoff')).toEqual([
      `old.yaml:${rules}: implementation: pickup_datetime <= dropoff_datetime`,
      `new.yaml:${rules}: implementation: pickup_datetime < dropoff_datetime`,
    ])
  })
})

it('every kind says whether it breaks, and what it means', () => {
  for (const { meaning } of Object.values(CHANGE_KINDS)) expect(meaning).not.toBe('')
})

/** Custom properties at the top with some of them changed. */
function terms(changes: Readonly<Record<string, JsonValue>>): JsonObject {
  const { customProperties } = contractDocument() as { customProperties: JsonObject[] }
  return {
    customProperties: customProperties.map((one) => ({
      ...one,
      value: changes[one.property as string] ?? one.value!,
    })),
  }
}
