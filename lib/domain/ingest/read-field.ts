import type { Field } from '#lib/domain/contract/contract.ts'
import { NumberText, type ReadProblem, scalarReader } from '#lib/domain/contract/scalar.ts'
import { type Value, valueKey } from '#lib/domain/contract/value.ts'
import { member } from './envelope.ts'
import { type CheckProblem, checksOf } from './field-checks.ts'

/** What a field can be wrong in; the last part of its reason code. */
export type FieldProblem =
  | ReadProblem
  | CheckProblem
  | 'missing'
  | 'tooFewItems'
  | 'tooManyItems'
  | 'repeatedItem'

export type FieldReading =
  | { readonly value: Value | null }
  | { readonly reason: string; readonly detail: string }

/** Reads what was sent as a field; undefined and null are no value. */
export type FieldReader = (sent: unknown) => FieldReading

/** Built once per field: patterns, bounds and zones are prepared in it. `path` is the field's own, with dots. */
export function fieldReader(field: Field, path = field.name, isPersonal = false): FieldReader {
  const personal = isPersonal || field.personal
  const wrong = (problem: FieldProblem, sent: unknown): FieldReading => {
    const came = sent === undefined || personal ? '' : `, came ${shown(sent)}`
    return { reason: `${path}.${problem}`, detail: `${path} ${expected(field, problem)}${came}` }
  }
  const read = valueReader(field, path, personal, wrong)
  return (sent) => {
    if (sent !== undefined && sent !== null) return read(sent)
    return field.required ? wrong('missing', sent) : { value: null }
  }
}

type Wrong = (problem: FieldProblem, sent: unknown) => FieldReading

function valueReader(field: Field, path: string, personal: boolean, wrong: Wrong): FieldReader {
  const { type } = field
  if (type.kind === 'struct') return structReader(type.fields, path, personal, wrong)
  if (type.kind === 'list') return listReader(field, type.element, path, personal, wrong)
  const readScalar = scalarReader(type)
  const checks = checksOf(field)
  return (sent) => {
    const reading = readScalar(sent)
    if ('problem' in reading) return wrong(reading.problem, sent)
    const failed = checks.find((check) => check.fails(reading.value))
    return failed === undefined ? reading : wrong(failed.problem, sent)
  }
}

/** The first member in contract order that is wrong decides. */
function structReader(
  fields: readonly Field[],
  path: string,
  personal: boolean,
  wrong: Wrong,
): FieldReader {
  const readers = fields.map((field) => ({
    name: field.name,
    read: fieldReader(field, `${path}.${field.name}`, personal),
  }))
  return (sent) => {
    if (typeof sent !== 'object' || Array.isArray(sent) || sent instanceof NumberText) {
      return wrong('type', sent)
    }
    const values: (Value | null)[] = []
    for (const { name, read } of readers) {
      const reading = read(member(sent as Readonly<Record<string, unknown>>, name))
      if ('reason' in reading) return reading
      values.push(reading.value)
    }
    return { value: values }
  }
}

/** How many items there are decides before what they are. */
function listReader(
  field: Field,
  element: Field,
  path: string,
  personal: boolean,
  wrong: Wrong,
): FieldReader {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, uniqueItems } = field.constraints
  const read = fieldReader(element, `${path}[]`, personal)
  return (sent) => {
    if (!Array.isArray(sent)) return wrong('type', sent)
    if (sent.length < minItems) return wrong('tooFewItems', sent)
    if (sent.length > maxItems) return wrong('tooManyItems', sent)
    const values: (Value | null)[] = []
    for (const one of sent) {
      const reading = read(one)
      if ('reason' in reading) return reading
      values.push(reading.value)
    }
    if (uniqueItems === true && new Set(values.map(valueKey)).size < values.length) {
      return wrong('repeatedItem', sent)
    }
    return { value: values }
  }
}

function expected({ type, constraints }: Field, problem: FieldProblem): string {
  switch (problem) {
    case 'missing':
      return 'is required'
    case 'type':
      return `must be ${TYPE_WORDS[type.kind] ?? `a ${type.kind}`}`
    case 'notUnicode':
      return 'has a lone surrogate and so no UTF-8 form'
    case 'notInteger':
      return 'must be a whole number'
    case 'tooPrecise':
      return 'has more fractional digits than are kept'
    case 'outOfRange':
      return `is beyond what a ${type.kind} of this field holds`
    case 'notDate':
      return 'must be a date, YYYY-MM-DD'
    case 'notTime':
      return 'must be a time of day, HH:MM:SS'
    case 'notTimestamp':
      return type.kind === 'timestamp' && type.localZone !== undefined
        ? 'must be a local time without offset, YYYY-MM-DD HH:MM:SS'
        : 'must be an RFC 3339 time with offset'
    case 'tooShort':
      return `has fewer than ${constraints.minLength} characters`
    case 'tooLong':
      return `has more than ${constraints.maxLength} characters`
    case 'pattern':
      return `does not match ${constraints.pattern}`
    case 'format':
      return `is no ${constraints.format}`
    case 'notAllowed':
      return 'is none of the allowed values'
    case 'belowMinimum':
      return `is below ${constraints.minimum}`
    case 'aboveMaximum':
      return `is above ${constraints.maximum}`
    case 'notMultiple':
      return `is no multiple of ${constraints.multipleOf}`
    case 'tooFewItems':
      return `has fewer than ${constraints.minItems} items`
    case 'tooManyItems':
      return `has more than ${constraints.maxItems} items`
    case 'repeatedItem':
      return 'has an item twice'
  }
}

/** Types that JSON calls otherwise. */
const TYPE_WORDS: Readonly<Partial<Record<Field['type']['kind'], string>>> = {
  struct: 'an object',
  list: 'an array',
  time: 'a text, HH:MM:SS',
}

function shown(sent: unknown): string {
  if (sent instanceof NumberText) return cut(sent.text)
  if (Array.isArray(sent)) return 'a list'
  if (typeof sent === 'object' && sent !== null) return 'an object'
  return cut(JSON.stringify(sent))
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79).toWellFormed()}…` : text
}
