import { FIELD_PROBLEMS, fieldReasons } from '#lib/domain/ingest/rejection-reasons.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { statedFields } from '../change-terms.ts'
import type { Contract, Field, FieldType } from '../contract.ts'
import { constraintWords, valueText, wireForm } from '../describe-field.ts'
import type { DocumentPath } from '../document-node.ts'
import { placeOfCustom, placeOfField, SCHEMA, valueAt } from '../document-places.ts'
import { code, inline, table } from './markdown.ts'

/** Every field, with what is nested in it: how an event writes it, what it keeps to, who may see it. */
export function fieldSection(contract: Contract, document: JsonValue): readonly string[] {
  const general = valueAt(document, placeOfCustom(document, [], 'weir.dataClassification'))
  const describe = rowsOf(document, typeof general === 'string' ? general : 'internal')
  const rows = statedFields(contract).flatMap((field, at) =>
    describe(field, field.name, placeOfField(SCHEMA, at)),
  )
  return [
    '## Fields',
    contract.changes === undefined
      ? ''
      : 'What is required is so of a row that exists: of a deleted row, and of an updated one before, only the key.',
    table(['Field', 'Column', 'In an event', 'Null', 'Classification', 'Meaning'], rows),
  ]
}

function rowsOf(document: JsonValue, general: string) {
  const rows = (field: Field, path: string, place: DocumentPath): string[][] => {
    const stated = valueAt(document, [...place, 'classification'])
    const classification = typeof stated === 'string' ? stated : general
    const row = [
      code(path),
      columnType(field.type),
      eventForm(field),
      field.required ? 'required' : 'absent or null',
      field.personal ? 'personal' : classification,
      inline(field.description),
    ]
    const { type } = field
    if (type.kind === 'struct') {
      return [
        row,
        ...type.fields.flatMap((inner, at) =>
          rows(inner, `${path}.${inner.name}`, placeOfField(place, at)),
        ),
      ]
    }
    if (type.kind !== 'list') return [row]
    return [row, ...rows(type.element, `${path}[]`, [...place, 'items'])]
  }
  return rows
}

function eventForm(field: Field): string {
  const { pattern, values } = field.constraints
  const { pattern: _pattern, ...constraints } = field.constraints
  const words = [wireForm(field.type), ...constraintWords({ ...field, constraints })].map(inline)
  if (pattern !== undefined) words.push(`matches ${code(pattern)}`)
  if (values !== undefined)
    words.push(`one of ${values.map((one) => code(valueText(one))).join(', ')}`)
  return words.join('; ')
}

function columnType(type: FieldType): string {
  switch (type.kind) {
    case 'timestamp':
      return 'timestamp with time zone'
    case 'decimal':
      return `decimal(${type.precision}, ${type.scale})`
    case 'time':
      return 'string'
    case 'list':
      return 'array'
    case 'struct':
      return 'struct'
    case 'long':
      return 'bigint'
    default:
      return type.kind
  }
}

/** What each field can be wrong in, and what that means. */
export function fieldReasonTables(contract: Contract): readonly string[] {
  const reasons = fieldReasons(contract)
  const found = new Set(reasons.flatMap((one) => one.problems))
  const meanings = Object.entries(FIELD_PROBLEMS).filter(([problem]) => found.has(problem as never))
  return [
    table(
      ['Field', 'May be'],
      reasons.map(({ path, problems }) => [code(path), problems.map(code).join(', ')]),
    ),
    table(
      ['What', 'Meaning'],
      meanings.map(([problem, meaning]) => [code(problem), inline(meaning)]),
    ),
  ]
}
