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
  const fields = names.map((name, i) => randomField(random, name, 20 + i))
  const ordered = fields.filter(
    (one) => one.logicalType !== 'string' && one.logicalType !== 'boolean',
  )
  const rules = Array.from({ length: Math.floor(random() * 3) }, (_, i) => {
    const left = pick(random, [...ordered, ...fields])
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

function randomField(random: Random, name: string, id: number): ReturnType<typeof field> {
  const required = { required: random() < 0.6 }
  const [logicalType, more] = randomType(random)
  return field(name, logicalType, id, { ...required, ...more })
}

/** A logical type of one value with options, constraints or values. */
export function randomType(random: Random): [string, JsonObject] {
  switch (Math.floor(random() * 9)) {
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
