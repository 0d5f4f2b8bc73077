import { statedFields } from '#lib/domain/contract/change-terms.ts'
import type { Contract, Field, FieldType } from '#lib/domain/contract/contract.ts'
import { UNKNOWN_VERSION } from './decode-by-version.ts'
import type { EnvelopeReason } from './envelope.ts'
import type { UndecodableReason } from './raw-event.ts'
import type { FieldProblem } from './read-field.ts'

/** Why a record, or an event whatever its data, is rejected, with what it means. */
export const EVENT_REASONS: Readonly<
  Record<UndecodableReason | EnvelopeReason | typeof UNKNOWN_VERSION, string>
> = {
  'undecodable.empty': 'a record has no bytes',
  'undecodable.compression': 'a record begins as gzip or zstd, and is neither',
  'undecodable.trailingBytes': 'bytes follow the compressed ones',
  'undecodable.tooLarge': 'a record is too large once it is inflated',
  'undecodable.notUtf8': 'a record is not UTF-8',
  'undecodable.notJson': 'a record is not JSON',
  'undecodable.notEvents': 'a record is neither an object nor an array',
  'undecodable.emptyBatch': 'a record is an array of no events',
  'undecodable.tooManyEvents': 'a record has too many events',
  'event.tooLarge': 'the event has more than 1 MiB of text',
  'event.tooDeep': 'the event nests too deep',
  'event.notJson': 'the event is not JSON',
  'event.notObject': 'the event is no JSON object',
  'event.specVersion': 'specversion is not "1.0"',
  'event.id': 'id is absent, empty, too long or no Unicode',
  'event.source': 'source is absent, empty, too long or no Unicode',
  'event.eventType': 'type is another one than the contract’s',
  'event.contentType': 'datacontenttype is no JSON',
  'event.data': 'data is no JSON object',
  [UNKNOWN_VERSION]: 'dataschema names a version that is not deployed',
}

/** What a field can be wrong in, with what it means. */
export const FIELD_PROBLEMS: Readonly<Record<FieldProblem, string>> = {
  missing: 'a required value is absent or null',
  type: 'JSON of another type',
  notUnicode: 'a lone surrogate, which has no UTF-8 form',
  notInteger: 'a fraction where a whole number is due',
  tooPrecise: 'more fractional digits than are kept',
  outOfRange: 'beyond what the type holds',
  notDate: 'no date, YYYY-MM-DD',
  notTime: 'no time of day, HH:MM:SS',
  notTimestamp: 'no time in the form of the field',
  tooShort: 'fewer characters than the least',
  tooLong: 'more characters than the most',
  pattern: 'a text that does not match the pattern',
  format: 'a text that is not of the format',
  notAllowed: 'none of the allowed values',
  belowMinimum: 'below the minimum',
  aboveMaximum: 'above the maximum',
  notMultiple: 'no multiple of what it must be one of',
  tooFewItems: 'fewer items than the least',
  tooManyItems: 'more items than the most',
  repeatedItem: 'an item twice',
}

/** Why a change is rejected, whatever its row, with what it means. */
export const CHANGE_REASONS: Readonly<Record<string, string>> = {
  'change.op': 'op is none of c, u, d, r',
  'change.before':
    'before is absent where the change needs it, there where it has none, or no object',
  'change.after':
    'after is absent where the change needs it, there where it has none, or no object',
  'change.source': 'source is no object',
  'change.position': 'source lacks what tells which of two changes is later',
  'change.time': 'source.ts_ms is no time in milliseconds',
  'change.key': 'an update has another key than before',
}

/** A field, or what is nested in one, and what it can be wrong in. */
export interface FieldReasons {
  /** As reasons begin: `shipping.country`, `lines[].sku`; of a change `after.balance`. */
  readonly path: string
  readonly problems: readonly FieldProblem[]
}

/** What the fields of an event can be wrong in, in contract order. */
export function fieldReasons(contract: Contract): readonly FieldReasons[] {
  const { changes } = contract
  const fields = statedFields(contract)
  if (changes === undefined) return fields.flatMap((field) => reasonsOf(field, field.name))
  const image = (name: string, required: readonly string[]) =>
    fields.flatMap((field) =>
      reasonsOf({ ...field, required: required.includes(field.name) }, `${name}.${field.name}`),
    )
  return [...image('after', [...changes.required, ...changes.key]), ...image('before', changes.key)]
}

/** Every reason that an event of the contract may be given. */
export function rejectionReasons(contract: Contract): readonly string[] {
  return [
    ...Object.keys(EVENT_REASONS),
    ...(contract.changes === undefined ? [] : Object.keys(CHANGE_REASONS)),
    ...fieldReasons(contract).flatMap(({ path, problems }) =>
      problems.map((problem) => `${path}.${problem}`),
    ),
    ...contract.rowRules.map((rule) => `rule:${rule.name}`),
  ]
}

function reasonsOf(field: Field, path: string): FieldReasons[] {
  const { type, constraints } = field
  const stated = Object.keys(constraints) as (keyof typeof constraints)[]
  const problems: FieldProblem[] = [
    ...(field.required ? (['missing'] as const) : []),
    'type',
    ...TYPE_PROBLEMS[type.kind],
    ...stated.map((name) => CONSTRAINT_PROBLEMS[name]),
  ]
  const own = { path, problems }
  switch (type.kind) {
    case 'struct':
      return [own, ...type.fields.flatMap((inner) => reasonsOf(inner, `${path}.${inner.name}`))]
    case 'list':
      return [own, ...reasonsOf(type.element, `${path}[]`)]
    default:
      return [own]
  }
}

const TYPE_PROBLEMS: Readonly<Record<FieldType['kind'], readonly FieldProblem[]>> = {
  string: ['notUnicode'],
  int: ['notInteger', 'outOfRange'],
  long: ['notInteger', 'outOfRange'],
  double: ['outOfRange'],
  decimal: ['tooPrecise', 'outOfRange'],
  boolean: [],
  date: ['notDate'],
  time: ['notTime', 'tooPrecise'],
  timestamp: ['notTimestamp', 'tooPrecise'],
  struct: [],
  list: [],
}

const CONSTRAINT_PROBLEMS: Readonly<Record<keyof Field['constraints'], FieldProblem>> = {
  minimum: 'belowMinimum',
  maximum: 'aboveMaximum',
  maxLength: 'tooLong',
  minLength: 'tooShort',
  pattern: 'pattern',
  format: 'format',
  multipleOf: 'notMultiple',
  minItems: 'tooFewItems',
  maxItems: 'tooManyItems',
  uniqueItems: 'repeatedItem',
  values: 'notAllowed',
}
