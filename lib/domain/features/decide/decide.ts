import type { FieldType } from '#lib/domain/contract/contract.ts'
import { scaleOf } from '#lib/domain/contract/scalar.ts'
import { icebergType } from '#lib/domain/contract/table-columns.ts'
import { instantMicros } from '#lib/domain/contract/time-text.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import type { AggregateValue } from '#lib/domain/process/aggregates/aggregate.ts'
import { columnValue } from '#lib/domain/process/aggregates/column-value.ts'
import { evaluator } from '#lib/domain/process/expressions/evaluate.ts'
import type { TypedExpression } from '#lib/domain/process/expressions/typed-expression.ts'
import type { FeatureValues } from '../read-features.ts'
import type { TypedColumn, TypedDecision } from './typed-decision.ts'

/** A request's fields as JSON has them: a timestamp is an RFC 3339 text. */
export type DecisionRequest = Readonly<Record<string, string | number | boolean>>

/** What was decided, from what. JSON-safe. */
export interface Decision {
  readonly decision: string
  readonly version: number
  readonly request: DecisionRequest
  readonly answers: Readonly<Record<string, string | number | boolean | null>>
  /** Only of a decision with rules. */
  readonly outcome?: string
  /** The rules that hold, in their order. */
  readonly reasons?: readonly string[]
  /** Whether a feature that it is made of was stale. */
  readonly stale: boolean
  readonly features: Readonly<Record<string, UsedFeature>>
}

/** The values that a decision was made of, as they were then. */
export interface UsedFeature {
  readonly view: string
  readonly key: string
  readonly values: Readonly<Record<string, AggregateValue>>
  readonly computedAt: string | null
  readonly stale: boolean
  readonly source: string
}

type Columns = Map<string, Column>

/** A request as columns of one row. Throws `decision.badRequest` with what is wrong with it. */
export function requestColumns(
  { definition, request }: TypedDecision,
  given: Readonly<Record<string, unknown>>,
): Columns {
  const unknown = Object.keys(given).find((name) => !request.has(name))
  if (unknown !== undefined) refuse(definition.name, `"${unknown}" is no part of the request`)
  return new Map(
    [...request].map(([name, type]) => [
      name,
      columnOf(icebergType(type), [ofRequest(name, type)]),
    ]),
  )

  function ofRequest(name: string, { kind }: FieldType): Value {
    const value = given[name]
    if (kind === 'string' && typeof value === 'string' && value.length <= 1024) return value
    if (kind === 'boolean' && typeof value === 'boolean') return value
    if (kind === 'long' && Number.isSafeInteger(value)) return BigInt(value as number)
    if (kind === 'double' && Number.isFinite(value)) return value as number
    const micros = kind === 'timestamp' && typeof value === 'string' && instantMicros(value)
    if (typeof micros === 'bigint') return micros
    const wanted = {
      long: 'a whole number',
      double: 'a number',
      timestamp: 'a time such as 2019-01-31T18:00:00Z',
    }
    return refuse(definition.name, `"${name}" is ${wanted[kind as 'long'] ?? `a ${kind}`}`)
  }
}

/** The keys of the features that a request needs, in their order; null where its expression gives none. */
export function keysOf({ features }: TypedDecision, columns: Columns): readonly (string | null)[] {
  return features.map(({ key }) => {
    const value = evaluator(key, columns)(0)
    return value === null ? null : String(value)
  })
}

/**
 * Decides: a function of the definition, the request and the features' values alone, so that a logged decision can be made
 * again.
 *
 * @param features in the order of the definition
 */
export function decide(
  decision: TypedDecision,
  request: DecisionRequest,
  features: readonly FeatureValues[],
): Decision {
  const columns = requestColumns(decision, request)
  for (const [at, { as, values }] of decision.features.entries()) {
    const found = features[at]!
    for (const [aggregate, type] of values) {
      const value = storedValue(found.values[aggregate] ?? null, type)
      columns.set(`${as}_${aggregate}`, columnOf(icebergType(type), [value]))
    }
    columns.set(`${as}_stale`, columnOf('boolean', [found.stale]))
  }
  const compute = ({ name, value }: TypedColumn) => {
    const result = evaluator(value, columns)(0)
    columns.set(name, columnOf(icebergType(value.type), [result]))
    return [name, plain(result, value)] as const
  }
  for (const column of decision.derived) compute(column)
  const answers = Object.fromEntries(decision.answers.map(compute))
  const { name, version = 1 } = decision.definition
  return {
    decision: name,
    version,
    request,
    answers,
    ...outcomeOf(decision, columns),
    stale: features.some(({ stale }) => stale),
    features: Object.fromEntries(
      decision.features.map(({ as }, at) => [as, usedOf(features[at]!)]),
    ),
  }
}

/** As a column holds it; a fallback has a decimal as the number that was written. */
function storedValue(value: AggregateValue, type: FieldType): Value | null {
  if (type.kind === 'decimal' && typeof value === 'number') {
    return BigInt(Math.round(value * 10 ** type.scale))
  }
  return columnValue(value, type)
}

function outcomeOf({ definition, rules }: TypedDecision, columns: Columns) {
  if (definition.rules === undefined) return {}
  const { outcomes, of } = definition.rules
  const holding = of.filter((_, at) => evaluator(rules[at]!, columns)(0) === true)
  const severity = Math.max(0, ...holding.map(({ outcome }) => outcomes.indexOf(outcome)))
  return { outcome: outcomes[severity]!, reasons: holding.map(({ name }) => name) }
}

function usedOf({ view, key, values, computedAt, stale, source }: FeatureValues): UsedFeature {
  return { view, key, values, computedAt, stale, source }
}

function plain(value: Value | null, { type }: TypedExpression): string | number | boolean | null {
  if (value === null) return null
  switch (type.kind) {
    case 'timestamp':
      return isoOf(Number(value))
    case 'decimal':
      return Number(new Decimal(value as bigint, scaleOf(type)).toString())
    case 'long':
      return Number(value)
    default:
      return value as string | number | boolean
  }
}

function refuse(name: string, message: string): never {
  throw new PlatformError('decision.badRequest', `${name}: ${message}`)
}
