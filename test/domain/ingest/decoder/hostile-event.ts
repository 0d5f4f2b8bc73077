import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { ODD_VALUES } from './odd-values.ts'
import { FORMATS, hex, PATTERNS, pick } from './random-contract.ts'

/** What may happen to the events of a record, each a chance. */
export interface Mischief {
  /** Written by one of several producers, each of which keeps to an order, a spacing and additions of its own. */
  readonly producer?: number
  /** Values that some type does not take. */
  readonly odd?: number
  /** Valid values, written in an unusual way. */
  readonly unusual?: number
  readonly shuffled?: number
  readonly spaced?: number
  readonly dropped?: number
  readonly extra?: number
  readonly doubled?: number
  readonly escaped?: number
}

const EXTRA_NAMES = [
  'x_new',
  '__proto__',
  'constructor',
  '7',
  '3',
  'é',
  '',
  'toString',
  'a"b',
  'n\n',
  'Id',
  '\ud800',
]
const SPACE = [' ', '\n', '\t', '\r\n', '  ', '']

/** The text of an event of the contract: a good one, unless mischief is asked for. */
export function hostileEvent(contract: Contract, random: Random, mischief: Mischief): string {
  const data = membersOf(contract.fields, random, mischief)
  const text = (value: string) => JSON.stringify(value)
  const envelope: [string, string][] = [
    ['specversion', '"1.0"'],
    ['id', text(pick(random, [hex(random, 32), hex(random, 8), 'é1', `a"${hex(random, 4)}`]))],
    ['source', text(pick(random, ['/s', '/weir/tests/1', 'urn:x']))],
    ['type', text(contract.eventType)],
  ]
  const { producer } = mischief
  if (producer === undefined ? random() < 0.5 : producer % 2 === 0) {
    envelope.push(['datacontenttype', '"application/json"'])
  }
  if (producer === undefined && random() < 0.1)
    envelope.push(['time', '"2019-01-01T00:00:00Z"'], ['traceparent', '"00-ab"'])
  const odd = mischief.odd ?? 0
  for (const member of envelope) if (random() < odd / 2) member[1] = pick(random, ODD_VALUES)
  if (random() < odd)
    envelope.push([
      'datacontenttype',
      pick(random, ['"application/vnd.x+json; a=b"', '"text/xml"', 'null']),
    ])
  const content = random() < odd / 2 ? pick(random, ODD_VALUES) : object(data, random, mischief)
  envelope.push(['data', content])
  return object(envelope, random, mischief)
}

function membersOf(
  fields: readonly Field[],
  random: Random,
  mischief: Mischief,
): [string, string][] {
  return fields.flatMap((field): [string, string][] => {
    const value = sentValue(field, random, mischief)
    return value === undefined ? [] : [[field.name, value]]
  })
}

/** A value of a field, often none of an optional one. */
function sentValue(field: Field, random: Random, mischief: Mischief): string | undefined {
  if (!field.required && random() < 0.3) return random() < 0.3 ? 'null' : undefined
  return random() < (mischief.odd ?? 0)
    ? pick(random, ODD_VALUES)
    : goodValue(field, random, mischief)
}

/** The members as this producer writes them, always. */
function byProducer(
  members: readonly (readonly [string, string])[],
  producer: number,
  random: Random,
): string {
  const list = [...members]
  if (producer % 4 === 1) list.push(['added', pick(random, ['1', '"x"', 'null', '[{}]'])])
  if (producer % 4 === 3) list.push(['traceparent', pick(random, ['"00-ab"', '"00-cd\\n"'])])
  const place = (name: string) =>
    Math.imul(name.length * 31 + name.charCodeAt(0), 2 * producer + 1) & 0xff
  if (producer > 0) list.sort(([a], [b]) => place(a) - place(b) || (a < b ? -1 : 1))
  const comma = [',', ', ', ',\n  '][producer % 3]!
  const colon = [':', ': '][producer % 2]!
  const key = (name: string) =>
    producer % 5 === 4
      ? `"\\u${name.charCodeAt(0).toString(16).padStart(4, '0')}${name.slice(1)}"`
      : JSON.stringify(name)
  return `{${list.map(([name, value]) => `${key(name)}${colon}${value}`).join(comma)}}`
}

function object(members: [string, string][], random: Random, mischief: Mischief): string {
  if (mischief.producer !== undefined) return byProducer(members, mischief.producer, random)
  const chance = (what: keyof Mischief) => random() < (mischief[what] ?? 0)
  const list = [...members]
  if (chance('dropped')) list.splice(Math.floor(random() * list.length), 1)
  if (chance('extra')) {
    const at = Math.floor(random() * (list.length + 1))
    list.splice(at, 0, [
      pick(random, EXTRA_NAMES),
      pick(random, ['1', 'null', '"x"', '[{"a":[1]}]', '"\\ud800"']),
    ])
  }
  if (chance('doubled') && list.length > 0) {
    list.splice(Math.floor(random() * (list.length + 1)), 0, [...pick(random, list)])
  }
  if (chance('shuffled')) shuffle(list, random)
  const isSpaced = chance('spaced')
  const space = () => (isSpaced && random() < 0.5 ? pick(random, SPACE) : '')
  const rendered = list.map(([name, value]) => {
    const key = chance('escaped') ? escaped(name, random) : JSON.stringify(name)
    return `${space()}${key}${space()}:${space()}${value}${space()}`
  })
  return `{${rendered.length === 0 ? space() : rendered.join(',')}}`
}

/** A value that the field takes. */
function goodValue(field: Field, random: Random, mischief: Mischief): string {
  const { type, constraints } = field
  const isUnusual = random() < (mischief.unusual ?? 0)
  if (constraints.values !== undefined) {
    const value = JSON.stringify(pick(random, constraints.values))
    return isUnusual && value.startsWith('"') ? escaped(JSON.parse(value), random) : value
  }
  switch (type.kind) {
    case 'struct':
      return object(membersOf(type.fields, random, mischief), random, mischief)
    case 'list': {
      const least = constraints.minItems ?? 0
      const length = Math.min(constraints.maxItems ?? 4, least + Math.floor(random() * 4))
      const items = Array.from(
        { length },
        () => sentValue(type.element, random, mischief) ?? 'null',
      )
      return `[${items.join(isUnusual ? ' , ' : ',')}]`
    }
    case 'time':
      return `"${clock(random)}${isUnusual ? pick(random, ['.5', '.120', '.0000000']) : ''}"`
    case 'boolean':
      return pick(random, ['true', 'false'])
    case 'date':
      return `"${date(random)}"`
    case 'timestamp': {
      const fraction = isUnusual ? pick(random, ['.5', '.123456', '.1234560', '.000']) : ''
      const time = `${date(random)}${pick(random, ['T', ' '])}${clock(random)}${fraction}`
      if (type.localZone !== undefined) return `"${time}"`
      return `"${time}${isUnusual ? pick(random, ['+05:30', '-08:00', 'z', 'Z']) : 'Z'}"`
    }
    case 'string': {
      const text = textOf(field, random)
      return isUnusual ? escaped(text, random) : JSON.stringify(text)
    }
    default:
      return numberOf(field, random, isUnusual)
  }
}

function textOf({ constraints }: Field, random: Random): string {
  const format = FORMATS.find(([name]) => name === constraints.format)
  if (format !== undefined) return pick(random, format[1])
  const known = PATTERNS.find(([pattern]) => pattern === constraints.pattern)
  if (known !== undefined) {
    // Now and then one that nearly matches.
    const text = known[1](random)
    return random() < 0.05 ? `${text}${pick(random, ['a', '1', 'é', '\n'])}` : text
  }
  const length = Math.min(
    constraints.maxLength ?? 30,
    (constraints.minLength ?? 0) + Math.floor(random() * 12),
  )
  const unit = pick(random, ['a', 'Zz9 ', 'é', '東', '😀', '"\\', '\n'])
  return Array.from(unit.repeat(length)).slice(0, length).join('')
}

function numberOf({ type, constraints }: Field, random: Random, isUnusual: boolean): string {
  const low = Number(constraints.minimum ?? (type.kind === 'int' ? -1000 : -5))
  const high = Number(constraints.maximum ?? low + 1000)
  const step = Number(constraints.multipleOf ?? 0)
  const any = low + random() * (high - low)
  // Now and then one that is no multiple.
  const value = step === 0 || random() < 0.05 ? any : Math.ceil(any / step) * step
  if (type.kind === 'double')
    return isUnusual ? value.toExponential() : String(Number(value.toFixed(3)))
  const scale = type.kind === 'decimal' ? type.scale : 0
  const digits = Math.min(scale, 6)
  const fraction = type.kind === 'decimal' && type.precision === scale ? value % 1 : value
  const text = fraction.toFixed(Math.floor(random() * (digits + 1)))
  return isUnusual ? `${text}${text.includes('.') ? '0' : pick(random, ['.0', 'e0', 'E-0'])}` : text
}

function date(random: Random): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const year = random() < 0.9 ? 2019 : 1990 + Math.floor(random() * 120)
  return `${year}-${two(1 + Math.floor(random() * 12))}-${two(1 + Math.floor(random() * 28))}`
}

function clock(random: Random): string {
  const two = (n: number) => String(Math.floor(random() * n)).padStart(2, '0')
  return `${two(24)}:${two(60)}:${two(60)}`
}

/** The same JSON string with some characters as escapes. */
function escaped(text: string, random: Random): string {
  const units = text.split('').map((unit) => {
    if (random() < 0.5 || JSON.stringify(unit) !== `"${unit}"` || !unit.isWellFormed()) {
      return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
    }
    return unit
  })
  return `"${units.join('')}"`
}

export function shuffle<T>(list: T[], random: Random): void {
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    const swapped = list[i]!
    list[i] = list[j]!
    list[j] = swapped
  }
}
