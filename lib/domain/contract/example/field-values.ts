import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { Field } from '../contract.ts'
import type { DocumentPath } from '../document-node.ts'
import { valueAt } from '../document-places.ts'
import { scalarValues } from './scalar-values.ts'
import { Sequence } from './sequence.ts'

/** Fields, items of an array and characters of one example: more makes none that anybody reads. */
const MAX_PARTS = 1_000
const MAX_LENGTH = 20_000

/** There is no example that anybody would read; the message says why. */
export class NoExample extends Error {}

/** The document that a contract was compiled from, and the place of a field in it. */
export interface DocumentField {
  readonly field: Field
  readonly document: JsonValue
  readonly path: DocumentPath
}

/** JSON texts of different values that a field accepts; may go on for long. Empty if none is found. */
export function* valueTexts(where: DocumentField): Generator<string> {
  yield* textsOf(where, { left: MAX_PARTS })
}

interface Budget {
  left: number
}

function* textsOf(where: DocumentField, budget: Budget): Generator<string> {
  const { field, document, path } = where
  if (--budget.left < 0) throw new NoExample('an event has more parts than anybody reads')
  switch (field.type.kind) {
    case 'struct':
      yield* objectTexts(memberFields(where, field.type.fields), budget)
      break
    case 'list':
      yield* arrayTexts(where, field.type.element, budget)
      break
    default:
      for (const { json } of scalarValues(field, examplesAt(document, path))) yield json
  }
}

/** The examples that ODCS has for a property. */
export function examplesAt(document: JsonValue, path: DocumentPath): readonly JsonValue[] {
  const examples = valueAt(document, [...path, 'examples'])
  return Array.isArray(examples) ? examples : []
}

function memberFields({ document, path }: DocumentField, fields: readonly Field[]) {
  return fields.map((field, at) => ({ field, document, path: [...path, 'properties', at] }))
}

/** The n-th object has of each member the n-th value, as far as there are so many. */
function* objectTexts(members: readonly DocumentField[], budget: Budget): Generator<string> {
  const parts = members.map((member) => ({
    name: member.field.name,
    required: member.field.required,
    values: new Sequence(textsOf(member, budget)),
  }))
  if (parts.some(({ required, values }) => required && !values.has(0))) return
  const known = parts.filter(({ values }) => values.has(0))
  for (let n = 0; n === 0 || known.some(({ values }) => values.has(n)); n++) {
    const texts = known.map(({ name, values }) => `${JSON.stringify(name)}:${values.at(n)}`)
    yield readable(`{${texts.join(',')}}`)
  }
}

/** As few items as may be, but one to look at; the n-th array begins with the n-th item. */
function* arrayTexts(where: DocumentField, element: Field, budget: Budget): Generator<string> {
  const { minItems = 0, maxItems = Number.POSITIVE_INFINITY, uniqueItems } = where.field.constraints
  if (minItems > MAX_PARTS) throw new NoExample(`an event has ${minItems} items in one array`)
  const items = { ...where, field: element, path: [...where.path, 'items'] }
  const values = new Sequence(textsOf(items, budget))
  if (maxItems === 0 || (!values.has(0) && minItems === 0)) {
    yield '[]'
    return
  }
  const count = Math.max(minItems, 1)
  const isNullable = !element.required
  for (let n = 0; ; n++) {
    const texts = Array.from({ length: count }, (_, at) =>
      values.has(n + at) || uniqueItems !== true ? values.at(n + at) : undefined,
    )
    if (isNullable && texts.at(-1) === undefined) texts[count - 1] = 'null'
    if (texts.includes(undefined)) return
    if (n > 0 && !values.has(n)) return
    yield readable(`[${texts.join(',')}]`)
  }
}

function readable(text: string): string {
  if (text.length <= MAX_LENGTH) return text
  throw new NoExample(`an event has more than ${MAX_LENGTH} characters`)
}

/** The fields of the table, with their places in the document. */
export function tableFields(document: JsonValue, fields: readonly Field[]): DocumentField[] {
  return fields.map((field, at) => ({ field, document, path: ['schema', 0, 'properties', at] }))
}
