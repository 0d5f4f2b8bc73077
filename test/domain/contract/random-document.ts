import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { pick, randomType } from '../ingest/decoder/random-contract.ts'
import { contractDocument, field, oneOf, rule } from './contract-document.ts'

type JsonObject = { readonly [name: string]: JsonValue }

export interface RandomContract {
  readonly document: JsonValue
  readonly contract: Contract
}

/** Texts that mean something to whoever prints them unprotected. */
export const HOSTILE_TEXTS: readonly string[] = [
  'ends the comment */ export const broken = 1 /* and begins one',
  '*/',
  '@deprecated do not',
  'ask @everyone, or {@link x}',
  '@ts-expect-error',
  '// @ts-nocheck',
  `\`\${process.exit(1)}\` and \\`,
  'a | b || c',
  '<script>alert(1)</script> <b>&amp;',
  '[link](javascript:alert(1)) ![x](y) <https://example.com>',
  '# heading\n## second\n\n- item\n1. one\n```\nfence',
  '*bold* _it_ ~~no~~ $x$ __b__',
  'over two\r\nlines, tab\t',
  'turned \u202e round \u2066 hidden\u200b \u0000 \u001b[31m \u2028 \u2029',
  '😀 東京 é',
  `long ${'word '.repeat(60)}`,
  `${'unbroken'.repeat(30)}`,
  '-->',
  '--- \n===\n',
  '    indented',
  '+ item',
  '> quote',
  '1) one',
  '|---|',
]
const NAMES = [
  ...'default class new get set readonly type interface void null export of event known'.split(' '),
  ...'a_b ab a__b a1 a_1 a_ string number object value op2 source before after'.split(' '),
  `l${'ong_name_of_a_field_'.repeat(3)}x`,
]
const PRODUCTS = [...'tests object string exact_number event a_b_c trips promise'.split(' ')]
const ODD_VALUES: readonly (readonly string[])[] = [
  ["it's", '"both" \'quotes\'', '"', "'"],
  ['back\\slash', `\${x}`, '`', '*/', '\n', '\u2028', '\u202e', '|', '<'],
  Array.from({ length: 12 }, (_, i) => `a value of some length ${i}`),
  ['one'],
]

/** Types with options that random types of one value do not have. */
const MORE_TYPES: readonly [string, JsonObject][] = [
  ['time', {}],
  ['time', { logicalTypeOptions: { timezone: false, minimum: '08:30:00', maximum: '08:31:30.5' } }],
  ['time', { quality: [oneOf('08:30:00', '17:00:00.250')] }],
  ...['uuid', 'email', 'uri', 'hostname', 'ipv4'].map((format): [string, JsonObject] => {
    return ['string', { logicalTypeOptions: { format } }]
  }),
  ['string', { logicalTypeOptions: { format: 'hostname', pattern: '^a+$', minLength: 3 } }],
  ['integer', { logicalTypeOptions: { format: 'i64', multipleOf: 7, minimum: 20 } }],
  [
    'number',
    { physicalType: 'decimal(6, 2)', logicalTypeOptions: { multipleOf: 0.05, maximum: -1 } },
  ],
  ['date', { quality: [oneOf('2026-01-31', '1999-12-31')] }],
  ['timestamp', { quality: [oneOf('2026-01-31T18:00:00Z')] }],
]

/** A contract with objects, arrays and enumerations, now and then of changes, whose texts are hostile. */
export function randomDocument(random: Random): RandomContract {
  for (;;) {
    const document = oneDocument(random)
    try {
      return { document, contract: compileContract(document) }
    } catch {
      // A bound above the other, say: the compiler refuses it, and so do we.
    }
  }
}

function oneDocument(random: Random): JsonValue {
  const product = pick(random, PRODUCTS)
  const isChanges = random() < 0.2
  let nextId = 12
  const newField = (name: string, depth: number): JsonObject => {
    const id = nextId++
    const [logicalType, more] = nested(depth)
    return field(name, logicalType, id, {
      required: random() < 0.6,
      ...(random() < 0.7 ? { description: pick(random, HOSTILE_TEXTS) } : {}),
      ...more,
    })
  }
  const names = () => NAMES.filter(() => random() < 0.25)
  const nested = (depth: number): [string, JsonObject] => {
    if (depth < 4 && random() < 0.15) {
      const properties = names().map((name) => newField(name, depth + 1))
      return ['object', { properties: [...properties, newField('last', depth + 1)] }]
    }
    if (depth < 4 && random() < 0.2) {
      const { name: _name, ...items } = newField('x', depth + 1)
      return ['array', { items, ...listOptions() }]
    }
    if (random() < 0.2) return ['string', { quality: [oneOf(...pick(random, ODD_VALUES))] }]
    return random() < 0.25 ? pick(random, MORE_TYPES) : (randomType(random) as [string, JsonObject])
  }
  const listOptions = (): JsonObject => {
    if (random() < 0.5) return {}
    const options = {
      ...(random() < 0.4 ? { minItems: Math.floor(random() * 4) } : {}),
      ...(random() < 0.4 ? { maxItems: Math.floor(random() * 6) } : {}),
      ...(random() < 0.3 ? { uniqueItems: true } : {}),
    }
    return { logicalTypeOptions: options }
  }
  const fields = names().map((name) => newField(name, 0))
  const head = isChanges
    ? [field('key', 'string', 11, { required: true, primaryKey: true })]
    : [
        field('at', 'timestamp', 10, { required: true }),
        field('key', 'string', 11, { required: true }),
      ]
  const custom = {
    'weir.eventType': pick(random, ['test.happened', 'com.example/odd:type_1-x']),
    'weir.eventTime': isChanges ? 'changed_at' : 'at',
    'weir.partitionKey': 'key',
    'weir.costCenter': 'tests',
    ...(random() < 0.3 ? { 'weir.spread': 4 } : {}),
    ...(isChanges ? { 'weir.cdc': 'debezium' } : {}),
    ...(isChanges && random() < 0.5 ? { 'weir.cdcPosition': 'file, pos' } : {}),
  }
  return contractDocument([], {
    top: {
      dataProduct: product,
      version: `${1 + Math.floor(random() * 3)}.0.0`,
      description: {
        purpose: pick(random, HOSTILE_TEXTS),
        usage: pick(random, HOSTILE_TEXTS),
        limitations: pick(random, HOSTILE_TEXTS),
      },
      customProperties: Object.entries(custom).map(([property, value]) => ({ property, value })),
      schema: [
        {
          name: product,
          properties: [...head, ...fields],
          quality: rulesOf(random, [...head, ...fields]),
        },
      ],
    },
  })
}

/** Rules between fields of one type, which most rows may pass. */
function rulesOf(random: Random, fields: readonly JsonObject[]): JsonObject[] {
  const of = (type: string) => fields.filter((one) => one.logicalType === type)
  return ['integer', 'timestamp', 'date', 'number', 'string'].flatMap((type, at) => {
    const [left, right] = of(type)
    if (left === undefined || right === undefined || random() < 0.5) return []
    const operator = type === 'string' ? '!=' : pick(random, ['<', '<=', '!=', '>=', '>'])
    return [rule(`${left.name} ${operator} ${right.name}`, `rule_${at}`)]
  })
}
