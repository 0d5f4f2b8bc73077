import type { Field } from '../contract.ts'
import { constraintWords, describedValue } from '../describe-field.ts'
import { stringLiteral } from './literal.ts'
import { plain, type TypeNode, union } from './type-text.ts'

/** The type of numbers that may have more digits than a double keeps. */
export const EXACT_NUMBER = 'ExactNumber'

/** Digits that every double keeps. */
const SAFE_DIGITS = 15

/** The type of a field that holds one value, without null. */
export function valueType(field: Field): TypeNode {
  const literals = literalsOf(field)
  if (literals !== undefined) return union(...literals.map(plain))
  switch (field.type.kind) {
    case 'boolean':
      return plain('boolean')
    case 'int':
    case 'double':
      return plain('number')
    case 'long':
    case 'decimal':
      return isWide(field) ? union(plain('number'), plain(EXACT_NUMBER)) : plain('number')
    default:
      return plain('string')
  }
}

/** What the type does not say of a value; undefined if it says everything. */
export function valueComment(field: Field): string | undefined {
  const { kind } = field.type
  const words = constraintWords(field)
  if (kind === 'struct' || (literalsOf(field) !== undefined && words.length === 0)) return undefined
  if (words.length === 0 && ['string', 'boolean', 'double'].includes(kind)) return undefined
  const { values: _values, ...constraints } = field.constraints
  const said = literalsOf(field) === undefined ? field : { ...field, constraints }
  const text = describedValue({ ...said, required: true })
  const exact = isWide(field)
    ? ` More than ${SAFE_DIGITS} digits: an ${EXACT_NUMBER}, for a double would lose some.`
    : ''
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.${exact}`
}

/** Whether a field, or one inside it, may have more digits than a double keeps. */
export function hasExactNumbers({ type, ...field }: Field): boolean {
  if (type.kind === 'struct') return type.fields.some(hasExactNumbers)
  return type.kind === 'list' ? hasExactNumbers(type.element) : isWide({ ...field, type })
}

/** The values that may be sent, where they are all: of times two texts may say one. */
function literalsOf({ type, constraints }: Field): readonly string[] | undefined {
  if (constraints.values === undefined || type.kind === 'timestamp' || type.kind === 'time') {
    return undefined
  }
  const literals = constraints.values.map((value) =>
    typeof value === 'string' ? stringLiteral(value) : String(value),
  )
  return [...new Set(literals)]
}

function isWide({ type, constraints }: Field): boolean {
  if (constraints.values !== undefined) return false
  if (type.kind === 'decimal') return type.precision > SAFE_DIGITS
  const { minimum, maximum } = constraints
  const isSafe = (bound: string | undefined) =>
    bound !== undefined && Number.isSafeInteger(Number(bound))
  return type.kind === 'long' && !(isSafe(minimum) && isSafe(maximum))
}
