import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { contractWith, field, oneOf, rule } from '../../contract/contract-document.ts'

type JsonObject = NonNullable<Parameters<typeof field>[3]>

/** Patterns of contracts with texts that match them. */
export const PATTERNS: readonly (readonly [
  pattern: string,
  matching: (random: Random) => string,
])[] = [
  ['^[A-Z]{2}[0-9]{4}$', (r) => `${letter(r)}${letter(r)}${1000 + Math.floor(r() * 9000)}`],
  ['^[0-9a-f]{8}-[0-9a-f]{4}$', (r) => `${hex(r, 8)}-${hex(r, 4)}`],
  ['^(?:red|green|blu?e)+$', (r) => pick(r, ['red', 'green', 'blue', 'ble', 'redblue'])],
  ['[0-9]', (r) => `é${Math.floor(r() * 100)}`],
  ['^$|^a', (r) => pick(r, ['', 'a', 'ab'])],
  ['^\\w+@\\w+\\.[a-z]{2,3}$', (r) => `${hex(r, 3)}@${hex(r, 2)}.com`],
  ['x*', (r) => pick(r, ['', 'xxx', 'y'])],
  ['^.{0,3}$', (r) => pick(r, ['', '😀😀😀', 'abc', 'é'])],
  ['^[^\\u0000-\\u001f]*$', (r) => pick(r, ['', 'a b', '東京'])],
  ['(a|ab)(c|bcd)$', (r) => pick(r, ['abcd', 'ac', 'xxabc'])],
]

/** Formats of texts with some that have it. */
export const FORMATS: readonly (readonly [format: string, matching: readonly string[]])[] = [
  ['uuid', ['018f6f3e-7b1a-7c3d-9e2f-0a1b2c3d4e5f', '018F6F3E-7B1A-7C3D-9E2F-0A1B2C3D4E5F']],
  ['email', ['a@b.c', 'first.last@example.com']],
  ['ipv4', ['10.0.0.1', '255.255.255.255']],
]

const ZONES = [
  'America/New_York',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Etc/UTC',
]
const NAMES = [
  'a',
  'b2',
  'long_name_of_a_field',
  'id',
  'data',
  'type',
  'value',
  'x',
  'hash',
  'to_string',
]

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!
}

/** A contract of random fields, constraints and rules that the compiler takes. */
export function randomContract(random: Random): Contract {
  for (;;) {
    try {
      return oneContract(random)
    } catch {
      // A bound above the other, say: the compiler refuses it, and so do we.
    }
  }
}

function oneContract(random: Random): Contract {
  const count = Math.floor(random() * (random() < 0.1 ? 70 : 12))
  const names = Array.from({ length: count }, (_, i) =>
    i < NAMES.length && random() < 0.7 ? NAMES[i]! : `f${i}`,
  )
  const ids = { next: 20 }
  const fields = names.map((name) => randomField(random, name, ids, 0))
  const flat = fields.filter((one) => !NESTED.includes(String(one.logicalType)))
  const ordered = flat.filter(
    (one) => one.logicalType !== 'string' && one.logicalType !== 'boolean',
  )
  for (const one of flat) if (random() < 0.1) Object.assign(one, { partitioned: true })
  const rules = Array.from({ length: Math.floor(random() * 3) }, (_, i) => {
    const left = pick(random, [...ordered, ...flat])
    const right = pick(random, [
      String(pick(random, ordered)?.name ?? 'at'),
      '0',
      '12.5',
      "'Y'",
      "'2020-01-01'",
      "'2019-06-01T00:00:00Z'",
      'true',
    ])
    return rule(
      `${left?.name} ${pick(random, ['<', '<=', '=', '!=', '>=', '>'])} ${right}`,
      `rule_${i}`,
    )
  })
  const quality = rules.filter((one) => accepts(() => contractWith(fields, { quality: [one] })))
  return contractWith(fields, {
    quality,
    ...(random() < 0.2 ? { custom: [['weir.eventType', 'com.example/odd:type_1-x']] } : {}),
  })
}

function accepts(make: () => unknown): boolean {
  try {
    make()
    return true
  } catch {
    return false
  }
}

const NESTED = ['object', 'array']
const MAX_DEPTH = 3

/** Field ids that are free. */
interface Ids {
  next: number
}

function randomField(
  random: Random,
  name: string,
  ids: Ids,
  depth: number,
): ReturnType<typeof field> {
  const id = ids.next++
  const required = { required: random() < 0.6 }
  const [logicalType, more] =
    depth < MAX_DEPTH && random() < 0.08 ? nestedType(random, ids, depth + 1) : randomType(random)
  return field(name, logicalType, id, { ...required, ...more })
}

/** An object or an array, of anything. */
function nestedType(random: Random, ids: Ids, depth: number): [string, JsonObject] {
  if (random() < 0.5) {
    const names = ['a', 'b2', 'n', 'x'].slice(0, 1 + Math.floor(random() * 4))
    const properties = names.map((name) => randomField(random, name, ids, depth))
    return ['object', { properties }]
  }
  const { name: _, ...items } = randomField(random, 'item', ids, depth)
  const options = {
    ...(random() < 0.2 ? { minItems: 1 } : {}),
    ...(random() < 0.3 ? { maxItems: 2 } : {}),
    ...(random() < 0.3 ? { uniqueItems: true } : {}),
  }
  return ['array', { items, logicalTypeOptions: options }]
}

/** A logical type of one value with options, constraints or values. */
export function randomType(random: Random): [string, JsonObject] {
  switch (Math.floor(random() * 11)) {
    case 9:
      return [
        'time',
        random() < 0.3 ? { logicalTypeOptions: { minimum: '06:00:00', timezone: false } } : {},
      ]
    case 10:
      return random() < 0.5
        ? ['string', { logicalTypeOptions: { format: pick(random, FORMATS)[0] } }]
        : ['integer', { logicalTypeOptions: { format: 'i32', multipleOf: 5 } }]
    case 0:
      return ['string', stringOptions(random)]
    case 1: {
      const format = pick(random, ['i8', 'u8', 'i16', 'u16', 'i32', 'u32', 'i64'])
      return [
        'integer',
        { logicalTypeOptions: { format, ...bounds(random, [-100, 0, 7, 99, 120]) } },
      ]
    }
    case 2: {
      const precision = 1 + Math.floor(random() * 18)
      const scale = Math.floor(random() * (precision + 1))
      return [
        'number',
        {
          physicalType: `decimal(${precision}, ${scale})`,
          ...(random() < 0.5 ? { logicalTypeOptions: bounds(random, [-9, 0, 0.5, 9]) } : {}),
        },
      ]
    }
    case 3:
      return [
        'number',
        { physicalType: 'double', logicalTypeOptions: bounds(random, [-1e9, 0, 1e300]) },
      ]
    case 4:
      return ['boolean', {}]
    case 5:
      return ['date', random() < 0.3 ? { logicalTypeOptions: { minimum: '2019-01-01' } } : {}]
    case 6:
      return [
        'timestamp',
        random() < 0.2 ? { logicalTypeOptions: { minimum: '2019-01-01T00:00:00Z' } } : {},
      ]
    case 7:
      return [
        'timestamp',
        { logicalTypeOptions: { timezone: false, defaultTimezone: pick(random, ZONES) } },
      ]
    default:
      return random() < 0.5
        ? ['string', { quality: [oneOf(...pick(random, ENUMERATIONS))] }]
        : ['integer', { quality: [oneOf(...pick(random, [[1, 2, 3, 99], [0], manyNumbers]))] }]
  }
}

const manyNumbers = Array.from({ length: 40 }, (_, i) => i * 3)
const ENUMERATIONS: readonly (readonly string[])[] = [
  ['Y', 'N'],
  ['', 'é', '東京', '😀'],
  Array.from({ length: 40 }, (_, i) => `value ${i}`),
  ['constructor', '__proto__', 'toString'],
]

function stringOptions(random: Random): JsonObject {
  const options: Record<string, number | string> = {}
  if (random() < 0.3) {
    options.pattern = pick(random, PATTERNS)[0]
  } else {
    if (random() < 0.3) options.minLength = Math.floor(random() * 4)
    if (random() < 0.4) options.maxLength = 3 + Math.floor(random() * 20)
  }
  return {
    logicalTypeOptions: options,
    ...(random() < 0.2 ? { classification: 'personal' } : {}),
  }
}

function bounds(random: Random, values: readonly number[]): Record<string, number> {
  return {
    ...(random() < 0.4 ? { minimum: pick(random, values) } : {}),
    ...(random() < 0.4 ? { maximum: pick(random, values) } : {}),
  }
}

function letter(random: Random): string {
  return String.fromCharCode(65 + Math.floor(random() * 26))
}

/** Lower-case hexadecimal digits. */
export function hex(random: Random, digits: number): string {
  let text = ''
  while (text.length < digits) text += Math.floor(random() * 16).toString(16)
  return text
}
