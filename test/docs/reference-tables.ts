import { MAX_FIELDS } from '#lib/domain/contract/compile-contract.ts'
import { MAX_NESTING } from '#lib/domain/contract/compile-field.ts'
import { CHANGE_KINDS } from '#lib/domain/contract/contract-change.ts'
import { MAX_ITEMS, MAX_VALUES } from '#lib/domain/contract/field-constraints.ts'
import { MAX_PATTERN_LENGTH } from '#lib/domain/contract/pattern.ts'
import { MAX_PATTERN_STATES } from '#lib/domain/contract/pattern-parser.ts'
import { STRING_FORMATS } from '#lib/domain/contract/string-format.ts'
import { WEIR_PROPERTIES, type WeirProperty } from '#lib/domain/contract/weir-properties.ts'
import { MAX_CHARACTERS } from '#lib/domain/contract/yaml-document.ts'
import {
  MAX_EVENT_BYTES,
  MAX_EVENT_DEPTH,
  MAX_IDENTITY_BYTES,
} from '#lib/domain/ingest/envelope.ts'
import { MAX_EVENTS, MAX_INFLATED_BYTES } from '#lib/domain/ingest/wire.ts'

/** The tables of the contract reference, as the code has them. */
export const REFERENCE_TABLES: Readonly<Record<string, string>> = {
  'contract properties': propertyTable('contract'),
  'field properties': propertyTable('field'),
  formats: table(
    ['`format`', 'what is accepted'],
    Object.entries(STRING_FORMATS).map(([name, { meaning }]) => [code(name), meaning]),
  ),
  'breaking changes': changeTable(true, ['change', 'why']),
  'compatible changes': changeTable(false, ['change', 'what it does']),
  limits: table(
    ['what', 'most'],
    [
      ['a contract', `${bytes(MAX_CHARACTERS)} of text, ${grouped(MAX_FIELDS)} fields`],
      ['objects and arrays in each other', `${MAX_NESTING}`],
      ['values of an enumeration', grouped(MAX_VALUES)],
      [
        'a pattern',
        `${MAX_PATTERN_LENGTH} characters, ${grouped(MAX_PATTERN_STATES)} places once its counted repetitions are written out`,
      ],
      ['`maxLength`, `maxItems`', grouped(MAX_ITEMS)],
      ['an event', `${bytes(MAX_EVENT_BYTES)} of text, nested ${MAX_EVENT_DEPTH} deep`],
      ['`id` and `source` of an event', `${grouped(MAX_IDENTITY_BYTES)} bytes each`],
      ['a record, inflated', `${bytes(MAX_INFLATED_BYTES)}, ${grouped(MAX_EVENTS)} events`],
    ],
  ),
}

function propertyTable(on: WeirProperty['on']): string {
  const properties: readonly WeirProperty[] = WEIR_PROPERTIES.filter((one) => one.on === on)
  return table(
    ['property', 'value', 'default', 'what it says'],
    properties.map((property) => [
      code(property.name),
      formOf(property),
      defaultOf(property),
      property.meaning,
    ]),
  )
}

function formOf({ type, minimum, maximum }: WeirProperty): string {
  return minimum === undefined || maximum === undefined
    ? type
    : `${type}, ${grouped(minimum)} to ${grouped(maximum)}`
}

function defaultOf({ default: value, type }: WeirProperty): string {
  if (value === undefined) return ''
  return type === 'integer' && typeof value === 'number' ? grouped(value) : String(value)
}

function changeTable(isBreaking: boolean, head: readonly string[]): string {
  const kinds = Object.entries(CHANGE_KINDS).filter(([, { breaking }]) => breaking === isBreaking)
  return table(
    head,
    kinds.map(([kind, { meaning }]) => [code(kind), meaning]),
  )
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows]
  return lines
    .map((cells) => `| ${cells.join(' | ')} |\n`)
    .join('')
    .replace(/^\| ---.*$/m, (rule) => rule.replaceAll(' ', ''))
}

function code(text: string): string {
  return `\`${text}\``
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

function bytes(value: number): string {
  return `${value / (1 << 20)} MiB`
}
