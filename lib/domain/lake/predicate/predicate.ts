import { PlatformError } from '../../kernel/errors.ts'
import { isPrimitiveType, type PrimitiveType, type TableSchema, typeText } from '../schema.ts'
import type { ScalarValue } from '../single-value.ts'

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

/**
 * Which rows, by the values of their columns, with the logic of SQL: a comparison with what is not there is neither true
 * nor false, and a row is meant only if all of it is true. Values are as the table has them: times in UTC microseconds,
 * dates in days, decimals without their point. A double that is no number equals nothing and is beyond no bound; text is
 * ordered as its UTF-8.
 */
export type Predicate =
  | { readonly kind: 'always' }
  | {
      readonly kind: 'compare'
      readonly column: string
      readonly op: Comparison
      readonly value: ScalarValue
    }
  | { readonly kind: 'in'; readonly column: string; readonly values: readonly ScalarValue[] }
  | { readonly kind: 'isNull'; readonly column: string }
  | { readonly kind: 'not'; readonly of: Predicate }
  | { readonly kind: 'and' | 'or'; readonly of: readonly Predicate[] }

/** Every row. */
export const ALWAYS: Predicate = { kind: 'always' }

/** A plain column of a table that rows can be chosen by. */
export interface PlainColumn {
  readonly id: number
  readonly name: string
  readonly type: PrimitiveType
}

/** Throws `lake.badPredicate` for a column that the table has not, or that holds others. */
export function plainColumn(schema: TableSchema, name: string): PlainColumn {
  const field =
    schema.fields.find((one) => one.name === name) ??
    schema.fields.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (field === undefined) {
    const known = schema.fields.map((one) => one.name).join(', ')
    throw badPredicate(`there is no column ${name}; there are ${known}`)
  }
  if (!isPrimitiveType(field.type)) {
    throw badPredicate(
      `column ${field.name} is a ${typeText(field.type)}: rows are not chosen by it`,
    )
  }
  return { id: field.id, name: field.name, type: field.type }
}

/** The columns that a predicate asks for, each once. Throws what `plainColumn` throws. */
export function columnsOf(predicate: Predicate, schema: TableSchema): readonly PlainColumn[] {
  const names = new Set(namesIn(predicate).map((name) => plainColumn(schema, name).name))
  return [...names].map((name) => plainColumn(schema, name))
}

function namesIn(predicate: Predicate): readonly string[] {
  switch (predicate.kind) {
    case 'always':
      return []
    case 'not':
      return namesIn(predicate.of)
    case 'and':
    case 'or':
      return predicate.of.flatMap(namesIn)
    default:
      return [predicate.column]
  }
}

export function badPredicate(message: string): PlatformError {
  return new PlatformError('lake.badPredicate', message)
}
