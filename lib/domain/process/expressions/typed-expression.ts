import type { FieldType } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isTimeZone } from '#lib/domain/kernel/local-time.ts'
import type { Arithmetic, Comparison, Expression } from './expression.ts'

/** What an expression's value can be. */
export type ExpressionType = Extract<
  FieldType,
  { kind: 'boolean' | 'string' | 'int' | 'long' | 'decimal' | 'double' | 'timestamp' | 'date' }
>

/** An expression of which it is known what each part gives; literals are made fit for what they stand beside. */
export type TypedExpression = { readonly type: ExpressionType } & (
  | { readonly operator: 'column'; readonly name: string }
  /** A decimal unscaled. */
  | { readonly operator: 'literal'; readonly value: string | boolean | number | bigint }
  | {
      readonly operator:
        | Arithmetic
        | Comparison
        | 'secondsBetween'
        | 'and'
        | 'or'
        | 'coalesce'
        | 'concat'
        | 'not'
        | 'isNull'
        | 'text'
        | 'convert'
      readonly of: readonly TypedExpression[]
    }
  | {
      readonly operator: 'floorTo'
      readonly of: readonly [TypedExpression]
      readonly step: number
    }
  | {
      readonly operator: 'hour' | 'weekday'
      readonly of: readonly [TypedExpression]
      readonly zone: string
    }
  | {
      readonly operator: 'case'
      readonly when: readonly { readonly if: TypedExpression; readonly value: TypedExpression }[]
      readonly else: TypedExpression | undefined
    }
)

/** The types of the columns that may be named. */
export type ColumnTypes = ReadonlyMap<string, FieldType>

const KINDS = new Set([
  'boolean',
  'string',
  'int',
  'long',
  'decimal',
  'double',
  'timestamp',
  'date',
])
const NUMBERS = new Set(['int', 'long', 'decimal', 'double'])
const LONG: ExpressionType = { kind: 'long' }
const DOUBLE: ExpressionType = { kind: 'double' }
const BOOLEAN: ExpressionType = { kind: 'boolean' }
const STRING: ExpressionType = { kind: 'string' }
const MOST_DIGITS = 18
/** Deeper is no expression that a person wrote. */
const MOST_DEPTH = 50

/** Finds out what an expression is of. Throws `view.invalid` with what is wrong with it, in one line. */
export function typedExpression(
  expression: Expression,
  columns: ColumnTypes,
  depth = 0,
): TypedExpression {
  if (depth > MOST_DEPTH) refuse(`an expression has more than ${MOST_DEPTH} levels`)
  if (typeof expression !== 'object' || expression === null) {
    refuse(`${shown(expression)} is no expression: write { column } or { literal }`)
  }
  if ('column' in expression) return typedColumn(expression.column, columns)
  if ('literal' in expression) return typedLiteral(expression.literal)
  if ('decimal' in expression) return typedDecimal(expression.decimal)
  const typed = (one: Expression) => typedExpression(one, columns, depth + 1)
  switch (expression.operator) {
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
      return arithmetic(expression.operator, pair(expression.operator, expression.of).map(typed))
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge': {
      const of = alike(expression.operator, pair(expression.operator, expression.of).map(typed))
      return { operator: expression.operator, of, type: BOOLEAN }
    }
    case 'secondsBetween': {
      const of = pair('secondsBetween', expression.of).map(typed)
      for (const one of of) expect('secondsBetween', one, 'timestamp')
      return { operator: 'secondsBetween', of, type: LONG }
    }
    case 'and':
    case 'or': {
      const of = some(expression.operator, expression.of).map(typed)
      for (const one of of) expect(expression.operator, one, 'boolean')
      return { operator: expression.operator, of, type: BOOLEAN }
    }
    case 'coalesce': {
      const of = alike('coalesce', some('coalesce', expression.of).map(typed))
      return { operator: 'coalesce', of, type: of[0]!.type }
    }
    case 'concat': {
      const of = some('concat', expression.of).map(typed)
      for (const one of of) expect('concat', one, 'string')
      return { operator: 'concat', of, type: STRING }
    }
    case 'not': {
      const of = single('not', expression.of).map(typed)
      expect('not', of[0]!, 'boolean')
      return { operator: 'not', of, type: BOOLEAN }
    }
    case 'isNull':
      return { operator: 'isNull', of: single('isNull', expression.of).map(typed), type: BOOLEAN }
    case 'text': {
      const of = single('text', expression.of).map(typed)
      if (!['int', 'long', 'string', 'boolean'].includes(of[0]!.type.kind)) {
        refuse(
          `"text" is of whole numbers, texts and truth values, not of ${kindText(of[0]!.type.kind)}`,
        )
      }
      return { operator: 'text', of, type: STRING }
    }
    case 'double': {
      const of = single('double', expression.of).map(typed)
      return converted(numeric('double', of[0]!), DOUBLE)
    }
    case 'in': {
      const [one] = single('in', expression.of).map(typed)
      const values = some('in', expression.values)
      const equal = values.map((value) => {
        const of = alike('in', [one!, typedLiteral(value)])
        return { operator: 'eq' as const, of, type: BOOLEAN }
      })
      return { operator: 'or', of: equal, type: BOOLEAN }
    }
    case 'floorTo': {
      const [one] = single('floorTo', expression.of).map(typed)
      const { step } = expression
      if (!Number.isSafeInteger(step) || step < 1)
        refuse('the step of "floorTo" is a whole number from 1')
      if (one!.type.kind !== 'int' && one!.type.kind !== 'long') {
        refuse(`"floorTo" is of whole numbers, not of ${kindText(one!.type.kind)}`)
      }
      return { operator: 'floorTo', of: [converted(one!, LONG)], step, type: LONG }
    }
    case 'hour':
    case 'weekday': {
      const [one] = single(expression.operator, expression.of).map(typed)
      expect(expression.operator, one!, 'timestamp')
      const { zone = 'UTC' } = expression
      if (!isTimeZone(zone))
        refuse(`${shown(zone)} is no time zone: write one like "America/New_York"`)
      return { operator: expression.operator, of: [one!], zone, type: LONG }
    }
    case 'case': {
      const branches = some('case', expression.when)
      const conditions = branches.map((branch) => typed(branch.if))
      for (const one of conditions) expect('case', one, 'boolean')
      const otherwise = expression.else === undefined ? [] : [typed(expression.else)]
      const results = alike('case', [
        ...branches.map((branch) => typed(branch.value)),
        ...otherwise,
      ])
      const when = conditions.map((condition, at) => ({ if: condition, value: results[at]! }))
      return { operator: 'case', when, else: results[when.length], type: results[0]!.type }
    }
    default:
      return refuse(
        `there is no operator ${shown((expression as { operator?: unknown }).operator)}`,
      )
  }
}

function typedColumn(name: string, columns: ColumnTypes): TypedExpression {
  const type = columns.get(name)
  if (type === undefined) return refuse(`${shown(name)} is no field of the contract`)
  if (!KINDS.has(type.kind))
    return refuse(`"${name}" is ${kindText(type.kind)}: nothing is computed of it`)
  return { operator: 'column', name, type: type as ExpressionType }
}

function typedLiteral(value: unknown): TypedExpression {
  switch (typeof value) {
    case 'string':
      return { operator: 'literal', value, type: STRING }
    case 'boolean':
      return { operator: 'literal', value, type: BOOLEAN }
    case 'number':
      if (!Number.isFinite(value)) return refuse(`${value} is no literal`)
      if (!Number.isInteger(value)) return { operator: 'literal', value, type: DOUBLE }
      if (!Number.isSafeInteger(value)) return refuse(`${value} is too large to be exact`)
      return { operator: 'literal', value: BigInt(value), type: LONG }
    default:
      return refuse(`${shown(value)} is no literal: write a text, a number or a truth value`)
  }
}

function typedDecimal(text: unknown): TypedExpression {
  const match = typeof text === 'string' ? /^(-?)(\d{1,18})(?:\.(\d{1,18}))?$/.exec(text) : null
  const digits = match === null ? '' : `${match[2]}${match[3] ?? ''}`.replace(/^0+(?=\d)/, '')
  if (match === null || digits.length > MOST_DIGITS) {
    return refuse(`${shown(text)} is no decimal of at most ${MOST_DIGITS} digits, such as "1.50"`)
  }
  const scale = match[3]?.length ?? 0
  const value = BigInt(`${match[1]}${digits}`)
  return { operator: 'literal', value, type: { kind: 'decimal', precision: MOST_DIGITS, scale } }
}

function arithmetic(operator: Arithmetic, of: readonly TypedExpression[]): TypedExpression {
  for (const one of of) numeric(operator, one)
  if (operator === 'divide' || of.some(({ type }) => type.kind === 'double')) {
    return { operator, of: of.map((one) => converted(one, DOUBLE)), type: DOUBLE }
  }
  if (of.every(({ type }) => type.kind !== 'decimal')) {
    return { operator, of: of.map((one) => converted(one, LONG)), type: LONG }
  }
  const scales = of.map(({ type }) => (type.kind === 'decimal' ? type.scale : 0))
  if (operator === 'multiply') {
    const scale = scales[0]! + scales[1]!
    if (scale > MOST_DIGITS)
      refuse('the product of two decimals would have too many digits behind the point')
    const factors = of.map((one, at) => converted(one, decimalOf(scales[at]!)))
    return { operator, of: factors, type: decimalOf(scale) }
  }
  const type = decimalOf(Math.max(...scales))
  return { operator, of: of.map((one) => converted(one, type)), type }
}

/** All of one type: numbers of the widest one, of anything else all the same. */
function alike(operator: string, of: readonly TypedExpression[]): readonly TypedExpression[] {
  const kinds = new Set(of.map(({ type }) => type.kind))
  if (kinds.size === 1 && !kinds.has('decimal')) return of
  const odd = of.find(({ type }) => !NUMBERS.has(type.kind))
  if (odd !== undefined) {
    return refuse(
      `"${operator}" puts ${[...kinds].map(kindText).join(' beside ')}: make them alike`,
    )
  }
  if (kinds.has('double')) return of.map((one) => converted(one, DOUBLE))
  if (!kinds.has('decimal')) return of.map((one) => converted(one, LONG))
  const scale = Math.max(...of.map(({ type }) => (type.kind === 'decimal' ? type.scale : 0)))
  return of.map((one) => converted(one, decimalOf(scale)))
}

/** The same number as another type, null where that cannot hold it. */
function converted(one: TypedExpression, type: ExpressionType): TypedExpression {
  const same =
    one.type.kind === type.kind &&
    (one.type.kind !== 'decimal' || (type as { scale: number }).scale === one.type.scale)
  return same ? one : { operator: 'convert', of: [one], type }
}

function decimalOf(scale: number): ExpressionType {
  return { kind: 'decimal', precision: MOST_DIGITS, scale }
}

function numeric(operator: string, one: TypedExpression): TypedExpression {
  if (!NUMBERS.has(one.type.kind))
    refuse(`"${operator}" is of numbers, not of ${kindText(one.type.kind)}`)
  return one
}

function expect(operator: string, { type }: TypedExpression, kind: ExpressionType['kind']): void {
  if (type.kind !== kind)
    refuse(`"${operator}" is of ${kindText(kind)}, not of ${kindText(type.kind)}`)
}

function some<T>(operator: string, of: readonly T[]): readonly T[] {
  if (!Array.isArray(of) || of.length === 0) refuse(`"${operator}" is of a list of at least one`)
  return of
}

function pair<T>(operator: string, of: readonly T[]): readonly T[] {
  if (!Array.isArray(of) || of.length !== 2) refuse(`"${operator}" is of two`)
  return of
}

function single<T>(operator: string, of: readonly T[]): readonly T[] {
  if (!Array.isArray(of) || of.length !== 1) refuse(`"${operator}" is of one`)
  return of
}

/** With its article. */
export function kindText(kind: string): string {
  return /^[aeiou]/.test(kind) ? `an ${kind}` : `a ${kind}`
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 60)
}

function refuse(message: string): never {
  throw new PlatformError('view.invalid', message)
}
