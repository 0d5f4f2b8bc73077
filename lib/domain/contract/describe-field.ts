import type { Constraints, Field, FieldType } from './contract.ts'
import { STRING_FORMATS } from './string-format.ts'

/** How an event writes a value of the type, in a few words. */
export function wireForm(type: FieldType): string {
  switch (type.kind) {
    case 'string':
      return 'text'
    case 'int':
    case 'long':
      return 'whole number'
    case 'double':
      return 'number'
    case 'boolean':
      return 'true or false'
    case 'decimal':
      return decimalForm(type.precision, type.scale)
    case 'date':
      return 'date, YYYY-MM-DD'
    case 'time':
      return 'time of day, HH:MM:SS'
    case 'timestamp':
      return type.localZone === undefined
        ? 'time with its offset, such as 2026-01-31T18:00:00Z or 2026-01-31T19:00:00+01:00'
        : `time on the clocks of ${type.localZone}, YYYY-MM-DD HH:MM:SS without an offset`
    case 'struct':
      return 'object'
    case 'list':
      return 'array'
  }
}

/** What each value of a field keeps to, in clauses; of an array, what the array as a whole does. */
export function constraintWords({
  type,
  constraints,
}: Pick<Field, 'type' | 'constraints'>): readonly string[] {
  const { pattern, format, multipleOf, uniqueItems } = constraints
  return [
    ...(format === undefined ? [] : [STRING_FORMATS[format].meaning]),
    ...rangeWords(constraints.minLength, constraints.maxLength, 'character'),
    ...(pattern === undefined ? [] : [`matches ${pattern}`]),
    ...boundWords(type, constraints),
    ...(multipleOf === undefined ? [] : [`a multiple of ${multipleOf}`]),
    ...rangeWords(constraints.minItems, constraints.maxItems, 'item'),
    ...(uniqueItems === true ? ['no item twice'] : []),
  ]
}

/** Form, constraints and allowed values in one clause; what may be null says so. */
export function describedValue(field: Field): string {
  const { values } = field.constraints
  const allowed = values === undefined ? [] : [`one of ${values.map(valueText).join(', ')}`]
  const optional = field.required ? [] : ['or null']
  const clause = [wireForm(field.type), ...constraintWords(field), ...allowed, ...optional].join(
    ', ',
  )
  if (field.type.kind !== 'list') return clause
  return `${clause}; each item: ${describedValue(field.type.element)}`
}

/** A value of an enumeration as JSON writes it. */
export function valueText(value: string | number): string {
  return JSON.stringify(value)
}

function decimalForm(precision: number, scale: number): string {
  const digits = (count: number) => (count === 1 ? '1 digit' : `${count} digits`)
  if (scale === 0) return `whole number of at most ${digits(precision)}`
  if (scale === precision) return `number between -1 and 1 with at most ${digits(scale)}`
  return `number with at most ${digits(precision - scale)} before the point and ${scale} behind it`
}

/** The bounds that are stated, and those that the type has where none is. */
function boundWords(type: FieldType, { minimum, maximum, values }: Constraints): string[] {
  if (minimum !== undefined && maximum !== undefined) return [`${minimum} to ${maximum}`]
  const [least, greatest] = values === undefined ? (LIMITS[type.kind] ?? []) : []
  const [more, less] = ['date', 'time', 'timestamp'].includes(type.kind)
    ? ['later', 'earlier']
    : ['more', 'less']
  if (minimum !== undefined)
    return [greatest ? `${minimum} to ${greatest}` : `${minimum} or ${more}`]
  if (maximum !== undefined) return [least ? `${least} to ${maximum}` : `${maximum} or ${less}`]
  return least === undefined ? [] : [`${least} to ${greatest}`]
}

const LIMITS: Readonly<Partial<Record<FieldType['kind'], readonly [string, string]>>> = {
  int: ['-2147483648', '2147483647'],
  long: ['-9223372036854775808', '9223372036854775807'],
}

function rangeWords(least: number | undefined, most: number | undefined, noun: string): string[] {
  const counted = (count: number) => `${count} ${noun}${count === 1 ? '' : 's'}`
  if (least !== undefined && most !== undefined) {
    return [least === most ? counted(least) : `${least} to ${counted(most)}`]
  }
  if (least !== undefined) return [`at least ${counted(least)}`]
  return most === undefined ? [] : [`at most ${counted(most)}`]
}
