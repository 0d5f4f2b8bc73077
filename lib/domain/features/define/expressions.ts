import type {
  Arithmetic,
  Comparison,
  Expression,
} from '#lib/domain/process/expressions/expression.ts'
import type { ExpressionType } from '#lib/domain/process/expressions/typed-expression.ts'

/** What a column can be of, for the compiler. */
export type Kind = ExpressionType['kind']
type Numeric = 'int' | 'long' | 'decimal' | 'double'

declare const KIND: unique symbol

/** An expression that is known to be of a kind; when it runs it is the expression and nothing else. */
export type Of<K extends Kind> = Expression & { readonly [KIND]?: K }

/** The kinds of a product's fields, as `weir contract fields` writes them. */
export type FieldKinds = object

/** The names of those fields that are of a kind. */
export type NamesOf<Fields, K> = {
  [Name in keyof Fields]: Fields[Name] extends K ? Name : never
}[keyof Fields] &
  string

type FieldExpressions<Fields> = {
  readonly [Name in NamesOf<Fields, Kind>]: Of<Fields[Name] & Kind>
}

/** Numbers beside numbers of any kind, everything else beside its own. */
type Alike<K extends Kind> = K extends Numeric ? Numeric : K
type LiteralOf<K extends Kind> = K extends Numeric
  ? number
  : K extends 'string'
    ? string
    : K extends 'boolean'
      ? boolean
      : never
type Operand<K extends Kind> = Of<K> | LiteralOf<K>
type Wider<A extends Kind, B extends Kind> = 'double' extends A | B
  ? 'double'
  : 'decimal' extends A | B
    ? 'decimal'
    : 'long'

/** The fields of a product as expressions: `const trip = fieldsOf<TripsFields>()`, then `trip.fare_amount`. */
export function fieldsOf<Fields extends FieldKinds>(): FieldExpressions<Fields> {
  return new Proxy({} as FieldExpressions<Fields>, {
    get: (_, name): Expression => ({ column: String(name) }),
  })
}

/** An exact decimal by its digits, `decimal('1.50')`; a number with a fraction is a double. */
export function decimal(digits: string): Of<'decimal'> {
  return { decimal: digits }
}

export const add = arithmetic('add')
export const subtract = arithmetic('subtract')
export const multiply = arithmetic('multiply')

/** In doubles; null by zero. */
export function divide(a: Operand<Numeric>, b: Operand<Numeric>): Of<'double'> {
  return { operator: 'divide', of: [expressionOf(a), expressionOf(b)] }
}

export const eq = comparison('eq')
export const ne = comparison('ne')
export const lt = comparison('lt')
export const le = comparison('le')
export const gt = comparison('gt')
export const ge = comparison('ge')

export function and(...of: Of<'boolean'>[]): Of<'boolean'> {
  return { operator: 'and', of }
}

export function or(...of: Of<'boolean'>[]): Of<'boolean'> {
  return { operator: 'or', of }
}

export function not(one: Of<'boolean'>): Of<'boolean'> {
  return { operator: 'not', of: [one] }
}

export function isNull(one: Of<Kind>): Of<'boolean'> {
  return { operator: 'isNull', of: [one] }
}

export function isIn(one: Of<'string'>, values: readonly string[]): Of<'boolean'>
export function isIn(one: Of<'int' | 'long'>, values: readonly number[]): Of<'boolean'>
export function isIn(one: Expression, values: readonly (string | number)[]): Of<'boolean'> {
  return { operator: 'in', of: [one], values }
}

/** The first that is not null. */
export function coalesce<K extends Kind>(one: Of<K>, ...others: Operand<Alike<K>>[]): Of<K> {
  return { operator: 'coalesce', of: [one, ...others.map(expressionOf)] }
}

/** Texts one behind the other; null if one is. */
export function concat(...of: Operand<'string'>[]): Of<'string'> {
  return { operator: 'concat', of: of.map(expressionOf) }
}

export function text(one: Of<'int' | 'long' | 'string' | 'boolean'>): Of<'string'> {
  return { operator: 'text', of: [one] }
}

export function double(one: Of<Numeric>): Of<'double'> {
  return { operator: 'double', of: [one] }
}

/** The greatest multiple of a step that is not above it. */
export function floorTo(one: Of<'int' | 'long'>, step: number): Of<'long'> {
  return { operator: 'floorTo', of: [one], step }
}

/** 0 to 23, on the clocks of a zone. */
export function hour(one: Of<'timestamp'>, zone = 'UTC'): Of<'long'> {
  return { operator: 'hour', of: [one], zone }
}

/** Monday 1 to Sunday 7, on the calendars of a zone. */
export function weekday(one: Of<'timestamp'>, zone = 'UTC'): Of<'long'> {
  return { operator: 'weekday', of: [one], zone }
}

/** From the whole second of the first to that of the second. */
export function secondsBetween(from: Of<'timestamp'>, to: Of<'timestamp'>): Of<'long'> {
  return { operator: 'secondsBetween', of: [from, to] }
}

/** What stands behind the first condition that is true. */
export function firstOf<K extends Kind>(
  when: readonly (readonly [condition: Of<'boolean'>, value: Of<K>])[],
  otherwise?: Of<K>,
): Of<K> {
  const branches = when.map(([condition, value]) => ({ if: condition, value }))
  return otherwise === undefined
    ? { operator: 'case', when: branches }
    : { operator: 'case', when: branches, else: otherwise }
}

/** A literal where an expression is asked for. */
export function literal<V extends string | number | boolean>(
  value: V,
): Of<V extends string ? 'string' : V extends boolean ? 'boolean' : 'long' | 'double'> {
  return { literal: value }
}

function expressionOf(one: Expression | string | number | boolean): Expression {
  return typeof one === 'object' ? one : { literal: one }
}

function arithmetic(operator: Arithmetic) {
  return <A extends Numeric, B extends Numeric = 'long'>(
    a: Of<A>,
    b: Of<B> | number,
  ): Of<Wider<A, B>> => ({ operator, of: [expressionOf(a), expressionOf(b)] })
}

function comparison(operator: Comparison) {
  return <K extends Kind>(a: Of<K>, b: Operand<Alike<K>>): Of<'boolean'> => ({
    operator,
    of: [expressionOf(a), expressionOf(b)],
  })
}
