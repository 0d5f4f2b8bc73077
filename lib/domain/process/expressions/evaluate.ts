import type { Value } from '#lib/domain/contract/value.ts'
import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { utcToLocal } from '#lib/domain/kernel/utc-to-local.ts'
import type { Arithmetic, Comparison } from './expression.ts'
import type { TypedExpression } from './typed-expression.ts'

/** The value of a row as its type's columns hold it, or null. */
export type RowValue = (row: number) => Value | null

const LEAST_LONG = -(2n ** 63n)
const GREATEST_LONG = 2n ** 63n - 1n
const MOST_UNSCALED = 10n ** 18n - 1n
const MICROS = 1_000_000n
const DAY_SECONDS = 86_400
/** 1970 began on a Thursday. */
const FIRST_WEEKDAY = 3

/** Evaluates an expression over the columns of a batch. */
export function evaluator(
  expression: TypedExpression,
  columns: ReadonlyMap<string, Column>,
): RowValue {
  const { operator } = expression
  const inner = (one: TypedExpression) => evaluator(one, columns)
  switch (operator) {
    case 'column':
      return columnReader(columns.get(expression.name)!)
    case 'literal':
      return () => expression.value as Value
    case 'add':
    case 'subtract':
    case 'multiply':
    case 'divide':
      return arithmetic(operator, expression.type.kind, expression.of.map(inner))
    case 'eq':
    case 'ne':
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return comparison(operator, expression.of.map(inner))
    case 'secondsBetween': {
      const [a, b] = expression.of.map(inner) as [RowValue, RowValue]
      return ofBoth(a, b, (from, to) => wholeSeconds(to as bigint) - wholeSeconds(from as bigint))
    }
    case 'and':
      return decided(expression.of.map(inner), false)
    case 'or':
      return decided(expression.of.map(inner), true)
    case 'coalesce': {
      const of = expression.of.map(inner)
      return (row) => {
        for (const one of of) {
          const value = one(row)
          if (value !== null) return value
        }
        return null
      }
    }
    case 'concat': {
      const of = expression.of.map(inner)
      return (row) => {
        let text = ''
        for (const one of of) {
          const value = one(row)
          if (value === null) return null
          text += value as string
        }
        return text
      }
    }
    case 'not':
      return ofOne(inner(expression.of[0]!), (value) => !value)
    case 'isNull': {
      const one = inner(expression.of[0]!)
      return (row) => one(row) === null
    }
    case 'text':
      return ofOne(inner(expression.of[0]!), String)
    case 'convert':
      return converter(expression, inner(expression.of[0]!))
    case 'floorTo': {
      const step = BigInt(expression.step)
      return ofOne(inner(expression.of[0]), (value) => fitLong(floorTo(value as bigint, step)))
    }
    case 'hour':
      return ofOne(inner(expression.of[0]), (value) => {
        const second = localSecond(expression.zone, value as bigint)
        return BigInt(Math.floor(modulo(second, DAY_SECONDS) / 3600))
      })
    case 'weekday':
      return ofOne(inner(expression.of[0]), (value) => {
        const day = Math.floor(localSecond(expression.zone, value as bigint) / DAY_SECONDS)
        return BigInt(modulo(day + FIRST_WEEKDAY, 7) + 1)
      })
    case 'case': {
      const when = expression.when.map((branch) => ({
        condition: inner(branch.if),
        result: inner(branch.value),
      }))
      const otherwise = expression.else === undefined ? () => null : inner(expression.else)
      return (row) => {
        for (const { condition, result } of when) if (condition(row) === true) return result(row)
        return otherwise(row)
      }
    }
  }
}

function columnReader(column: Column): RowValue {
  switch (column.kind) {
    case 'utf8':
      return (row) => (isNull(column, row) ? null : utf8At(column, row))
    case 'boolean':
      return (row) => (isNull(column, row) ? null : column.values[row] === 1)
    case 'int32':
    case 'int64':
    case 'float64':
      return (row) => (isNull(column, row) ? null : column.values[row]!)
    default:
      throw new Error(`a ${column.kind} column stands in an expression`)
  }
}

function ofOne(one: RowValue, compute: (value: Value) => Value | null): RowValue {
  return (row) => {
    const value = one(row)
    return value === null ? null : compute(value)
  }
}

function ofBoth(
  a: RowValue,
  b: RowValue,
  compute: (left: Value, right: Value) => Value | null,
): RowValue {
  return (row) => {
    const left = a(row)
    if (left === null) return null
    const right = b(row)
    return right === null ? null : compute(left, right)
  }
}

function arithmetic(operator: Arithmetic, kind: string, of: readonly RowValue[]): RowValue {
  const [a, b] = of as [RowValue, RowValue]
  if (kind === 'double')
    return ofBoth(a, b, (x, y) => inDoubles(operator, x as number, y as number))
  const fitted = kind === 'decimal' ? fitDecimal : fitLong
  return ofBoth(a, b, (x, y) => fitted(inWholes(operator, x as bigint, y as bigint)))
}

/** Nothing is divided by zero; what is beyond the doubles is infinite, as everywhere. */
function inDoubles(operator: Arithmetic, a: number, b: number): number | null {
  switch (operator) {
    case 'add':
      return a + b
    case 'subtract':
      return a - b
    case 'multiply':
      return a * b
    case 'divide':
      return b === 0 ? null : a / b
  }
}

function inWholes(operator: Arithmetic, a: bigint, b: bigint): bigint {
  if (operator === 'add') return a + b
  return operator === 'subtract' ? a - b : a * b
}

function fitLong(value: bigint): bigint | null {
  return value < LEAST_LONG || value > GREATEST_LONG ? null : value
}

function fitDecimal(unscaled: bigint): bigint | null {
  return unscaled < -MOST_UNSCALED || unscaled > MOST_UNSCALED ? null : unscaled
}

function comparison(operator: Comparison, of: readonly RowValue[]): RowValue {
  const [a, b] = of as [RowValue, RowValue]
  const isTrue = OUTCOMES[operator]
  return ofBoth(a, b, (x, y) => isTrue(compared(x, y)))
}

const OUTCOMES: Readonly<Record<Comparison, (order: number) => boolean>> = {
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
}

/** Texts by code point, as SQL engines order UTF-8; falsehood before truth. */
function compared(a: Value, b: Value): number {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  if (a === b) return 0
  return (a as number) < (b as number) ? -1 : 1
}

/** `and` and `or`: decided by one value whatever the others are, else not known if any is not. */
function decided(of: readonly RowValue[], by: boolean): RowValue {
  return (row) => {
    let unknown = false
    for (const one of of) {
      const value = one(row)
      if (value === by) return by
      if (value === null) unknown = true
    }
    return unknown ? null : !by
  }
}

function converter({ type, ...expression }: TypedExpression, one: RowValue): RowValue {
  const from = (expression as { of: readonly TypedExpression[] }).of[0]!.type
  if (type.kind === 'double') {
    const unit = from.kind === 'decimal' ? 10 ** from.scale : 1
    return ofOne(one, (value) => Number(value) / unit)
  }
  if (type.kind === 'long') return ofOne(one, (value) => BigInt(value as number))
  const scale = (type as { scale: number }).scale - (from.kind === 'decimal' ? from.scale : 0)
  const factor = 10n ** BigInt(scale)
  return ofOne(one, (value) => fitDecimal(BigInt(value as bigint) * factor))
}

function floorTo(value: bigint, step: bigint): bigint {
  const rest = value % step
  return value - (rest < 0n ? rest + step : rest)
}

function wholeSeconds(micros: bigint): bigint {
  return floorTo(micros, MICROS) / MICROS
}

function localSecond(zone: string, micros: bigint): number {
  return utcToLocal(zone, Number(wholeSeconds(micros)))
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
