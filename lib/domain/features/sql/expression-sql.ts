import { quotedName, sqlText, trinoType } from '#lib/domain/contract/sql/trino.ts'
import { icebergType } from '#lib/domain/contract/table-columns.ts'
import type { TypedExpression } from '#lib/domain/process/expressions/typed-expression.ts'

/** Text of SQL by column: a field is its own name, a derived column what it is computed as. */
export type ColumnSql = ReadonlyMap<string, string>

const OPERATORS: Readonly<Record<string, string>> = {
  add: '+',
  subtract: '-',
  multiply: '*',
  divide: '/',
  eq: '=',
  ne: '<>',
  lt: '<',
  le: '<=',
  gt: '>',
  ge: '>=',
  and: ' AND ',
  or: ' OR ',
  concat: ' || ',
}

/**
 * An expression in Trino's dialect, with the meaning that `evaluate.ts` has: what does not fit its type is null, nothing is
 * divided by zero.
 */
export function expressionSql(expression: TypedExpression, columns: ColumnSql): string {
  const inner = (one: TypedExpression) => expressionSql(one, columns)
  switch (expression.operator) {
    case 'column':
      return columns.get(expression.name) ?? quotedName(expression.name)
    case 'literal':
      return literal(expression)
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
      return arithmetic(
        expression,
        expression.of.map(inner),
        expression.of.map(({ type }) => (type.kind === 'decimal' ? type.scale : 0)),
      )
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
    case 'and':
    case 'or':
    case 'concat':
      return `(${expression.of.map(inner).join(OPERATORS[expression.operator])})`
    case 'secondsBetween': {
      const [from, to] = expression.of.map((one) => epochSecond(inner(one)))
      return `(${to} - ${from})`
    }
    case 'coalesce':
      return `coalesce(${expression.of.map(inner).join(', ')})`
    case 'not':
      return `(NOT ${inner(expression.of[0]!)})`
    case 'isNull':
      return `(${inner(expression.of[0]!)} IS NULL)`
    case 'text':
      return `CAST(${inner(expression.of[0]!)} AS varchar)`
    case 'convert': {
      const cast = expression.type.kind === 'decimal' ? 'TRY_CAST' : 'CAST'
      return `${cast}(${inner(expression.of[0]!)} AS ${trinoType(icebergType(expression.type))})`
    }
    case 'floorTo': {
      const value = inner(expression.of[0])
      const rest = floorRest(value, expression.step)
      return `TRY_CAST(CAST(${value} AS decimal(19, 0)) - ${rest} AS bigint)`
    }
    case 'hour':
    case 'weekday': {
      const part = expression.operator === 'hour' ? 'hour' : 'day_of_week'
      const local = `${inner(expression.of[0])} AT TIME ZONE ${sqlText(expression.zone)}`
      return `CAST(${part}(${local}) AS bigint)`
    }
    case 'case': {
      const when = expression.when.map((one) => `WHEN ${inner(one.if)} THEN ${inner(one.value)}`)
      const otherwise = expression.else === undefined ? '' : ` ELSE ${inner(expression.else)}`
      return `CASE ${when.join(' ')}${otherwise} END`
    }
  }
}

/** Whole seconds since 1970, rounded down. */
export function epochSecond(timestamp: string): string {
  return `CAST(floor(to_unixtime(${timestamp})) AS bigint)`
}

/** What a whole number is above the greatest multiple of a step that is not above it: never negative. */
export function floorRest(value: string, step: number): string {
  return `mod(mod(${value}, ${step}) + ${step}, ${step})`
}

function literal({ value, type }: Extract<TypedExpression, { operator: 'literal' }>): string {
  switch (type.kind) {
    case 'string':
      return sqlText(value as string)
    case 'boolean':
      return value === true ? 'TRUE' : 'FALSE'
    case 'double':
      return `CAST(${(value as number).toExponential().replace('e', 'E')} AS double)`
    case 'decimal': {
      const unscaled = value as bigint
      const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(type.scale + 1, '0')
      const point = digits.length - type.scale
      const fraction = type.scale === 0 ? '' : `.${digits.slice(point)}`
      const sign = unscaled < 0n ? '-' : ''
      return `CAST(${sign}${digits.slice(0, point)}${fraction} AS ${trinoType(icebergType(type))})`
    }
    default:
      return `CAST(${value} AS bigint)`
  }
}

function arithmetic(
  { operator, type }: TypedExpression,
  of: readonly string[],
  scales: readonly number[],
): string {
  const [a, b] = of
  if (operator === 'divide') return `(${a} / NULLIF(${b}, CAST(0 AS double)))`
  if (type.kind === 'double') return `(${a} ${OPERATORS[operator]} ${b})`
  // In digits enough for every result of two that have eighteen, or are longs; what does not fit is null then.
  const wide = of.map((one, at) => `CAST(${one} AS decimal(19, ${scales[at]}))`)
  return `TRY_CAST(${wide.join(` ${OPERATORS[operator]} `)} AS ${trinoType(icebergType(type))})`
}
