import { checksOf } from '#lib/domain/ingest/field-checks.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { Constraints, Field, FieldType } from '../contract.ts'
import { compareScalars, readLiteral, type Scalar } from '../scalar.ts'
import type { StringFormat } from '../string-format.ts'
import { patternTexts } from './pattern-texts.ts'
import { scalarText } from './scalar-text.ts'

/** A value of a field that it accepts, and how an event writes it. */
export interface Candidate {
  readonly value: Scalar
  readonly json: string
}

/** Texts and distances that are tried: enough for a list without a repeated item. */
const MAX_STEPS = 128
/** Texts that must be longer make no example that anybody reads. */
export const MAX_TEXT = 1_000

/** Holds values against a field that has one. Prepared once per field. */
export function candidateOf(field: Field): (value: Scalar) => Candidate | undefined {
  const checks = checksOf(field)
  return (value) => {
    const json = scalarText(field.type, value)
    const literal = json.startsWith('"') ? (JSON.parse(json) as string) : json
    const reading = readLiteral(field.type, literal)
    if ('problem' in reading || checks.some((check) => check.fails(reading.value))) return undefined
    return { value: reading.value, json }
  }
}

/** Different values that the field accepts, those that its contract gives as examples first. */
export function* scalarValues(
  field: Field,
  examples: readonly JsonValue[] = [],
): Generator<Candidate> {
  const accepted = candidateOf(field)
  const seen = new Set<Scalar>()
  const stated = [...examples, ...(field.constraints.values ?? [])].flatMap((literal) => {
    const reading = isScalar(literal) ? readLiteral(field.type, String(literal)) : undefined
    return reading !== undefined && 'value' in reading ? [reading.value] : []
  })
  for (const value of chained(stated, typicalValues(field))) {
    const candidate = accepted(value)
    if (candidate === undefined || seen.has(candidate.value)) continue
    seen.add(candidate.value)
    yield candidate
  }
}

/** The value a unit further, of types that have an order and units; the least unit that a reader would write. */
export function stepped(type: FieldType, value: Scalar, steps: number): Scalar {
  switch (type.kind) {
    case 'int':
    case 'long':
    case 'decimal':
      return (value as bigint) + BigInt(steps)
    case 'timestamp':
      return (value as bigint) + BigInt(steps) * 60_000_000n
    case 'date':
      return (value as number) + steps
    case 'double': {
      // A great double does not notice a step of one.
      const next = (value as number) + steps
      return next === value ? (value as number) * (1 + steps / 1_024) : next
    }
    case 'time':
      return timeAt(secondsOf(value as string) + steps * 60)
    default:
      return value
  }
}

function* typicalValues(field: Field): Generator<Scalar> {
  const { type, constraints } = field
  if (type.kind === 'boolean') {
    yield* [true, false]
    return
  }
  if (type.kind === 'string') {
    yield* texts(field)
    return
  }
  for (const start of startsOf(type, constraints)) {
    for (let step = 0; step <= MAX_STEPS; step++) {
      yield stepped(type, start, step * strideOf(field))
      if (step > 0) yield stepped(type, start, -step * strideOf(field))
    }
  }
}

/** From where values are looked for: what is usual, then the bounds. */
function startsOf(type: FieldType, { minimum, maximum, multipleOf }: Constraints): Scalar[] {
  const read = (literal: string | undefined): Scalar[] => {
    const reading = literal === undefined ? undefined : readLiteral(type, literal)
    return reading !== undefined && 'value' in reading ? [reading.value] : []
  }
  const [low] = read(minimum)
  const [high] = read(maximum)
  const [step] = read(multipleOf)
  const usual = typeof step === 'bigint' ? step : usualOf(type)
  const isInside =
    (low === undefined || compareScalars(low, usual) <= 0) &&
    (high === undefined || compareScalars(usual, high) <= 0)
  const bounds = [low, high].filter((one) => one !== undefined)
  return (isInside ? [usual, ...bounds] : bounds).map((start) => multipleNear(start, step))
}

function usualOf(type: FieldType): Scalar {
  switch (type.kind) {
    case 'decimal': {
      // 12.50 where there is room for it, else the least value there is.
      const hasRoom = type.precision - type.scale >= 2
      return hasRoom ? (125n * 10n ** BigInt(type.scale + 1)) / 100n : 1n
    }
    case 'double':
      return 12.5
    case 'date':
      return Date.UTC(2026, 0, 31) / 86_400_000
    case 'time':
      return '18:00:00'
    case 'timestamp':
      return BigInt(Date.UTC(2026, 0, 31, 18)) * 1_000n
    default:
      return 1n
  }
}

/** A multiple at the start or past it. */
function multipleNear(start: Scalar, step: Scalar | undefined): Scalar {
  if (typeof step !== 'bigint' || typeof start !== 'bigint') return start
  const rest = ((start % step) + step) % step
  return rest === 0n ? start : start + (step - rest)
}

function strideOf({ type, constraints }: Field): number {
  const reading =
    constraints.multipleOf === undefined ? undefined : readLiteral(type, constraints.multipleOf)
  return reading !== undefined && 'value' in reading ? Number(reading.value) : 1
}

function* texts({ name, constraints }: Field): Generator<string> {
  const { minLength = 0, maxLength = MAX_TEXT, pattern, format } = constraints
  if (minLength > MAX_TEXT) return
  if (format !== undefined) yield* formatTexts(format, minLength)
  if (pattern !== undefined) yield* patternTexts(pattern, minLength, maxLength)
  for (let number = 1; number <= MAX_STEPS; number++) {
    const text = `${name} ${number}`
    yield text.slice(Math.max(0, text.length - maxLength)).padStart(minLength, 'a')
  }
}

function* formatTexts(format: StringFormat, minLength: number): Generator<string> {
  for (let number = 1; number <= MAX_STEPS; number++) {
    const padded = (before: string, after: string) =>
      `${before}${String(number).padStart(Math.max(1, minLength - before.length - after.length), 'a')}${after}`
    switch (format) {
      case 'uuid':
        yield `018f6f3e-7b1a-7c3d-9e2f-${number.toString(16).padStart(12, '0')}`
        break
      case 'email':
        yield* [padded('name', '@example.com'), padded('', '@a')]
        break
      case 'uri':
        yield* [padded('https://example.com/', ''), padded('a:', '')]
        break
      case 'hostname':
        yield* [padded('host', '.example.com'), padded('a', ''), labels(minLength, number)]
        break
      case 'ipv4':
        yield* [`192.0.2.${number}`, `1.1.1.${number}`, `192.168.100.${100 + number}`]
    }
  }
}

/** A host name of many labels. */
function labels(length: number, number: number): string {
  const text = `${'a123456789.'.repeat(Math.ceil(length / 11))}a${number}`
  return text.slice(-Math.max(length, 2))
}

function* chained<Item>(first: Iterable<Item>, second: Iterable<Item>): Generator<Item> {
  yield* first
  yield* second
}

function isScalar(value: JsonValue): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}

function secondsOf(time: string): number {
  const [hours, minutes, seconds] = time.split(':').map(Number)
  return hours! * 3600 + minutes! * 60 + Math.floor(seconds!)
}

/** Beyond the day it is no time, which whoever reads it says. */
function timeAt(seconds: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const whole = Math.max(0, seconds)
  return [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60].map(two).join(':')
}
