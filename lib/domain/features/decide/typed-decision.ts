import type { FieldType } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  kindText,
  type TypedExpression,
  typedExpression,
} from '#lib/domain/process/expressions/typed-expression.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'
import type { ContractVersions } from '../../contract/contract-versions.ts'
import type { DecisionDefinition, RequestKind } from './decision.ts'

/** A decision of which it is known what each part gives. */
export interface TypedDecision {
  readonly definition: DecisionDefinition
  readonly request: ReadonlyMap<string, FieldType>
  readonly features: readonly TypedFeature[]
  readonly derived: readonly TypedColumn[]
  readonly answers: readonly TypedColumn[]
  readonly rules: readonly TypedExpression[]
}

export interface TypedFeature {
  readonly as: string
  readonly view: ViewDefinition
  readonly key: TypedExpression
  /** By aggregate. */
  readonly values: ReadonlyMap<string, FieldType>
}

export interface TypedColumn {
  readonly name: string
  readonly value: TypedExpression
}

/** What a decision's features are read from. */
export interface DecisionSource {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
}

const KINDS: readonly RequestKind[] = ['string', 'boolean', 'long', 'double', 'timestamp']
const NAME = /^[a-z][a-z0-9-]{0,47}$/
const COLUMN = /^[a-z][a-z0-9_]{0,63}$/
const WORD = /^[A-Za-z][A-Za-z0-9]{0,63}$/
const KEY_KINDS = ['string', 'long', 'int', 'boolean']
const MOST_FEATURES = 20
const MOST_RULES = 100

/**
 * Holds a decision against the views that it reads. Throws `decision.invalid` with what to change, in one line: a decision's
 * file is read without its types, so anything can stand in it.
 */
export function typedDecision(
  definition: DecisionDefinition,
  source: DecisionSource,
): TypedDecision {
  const where = `${source.contracts.current.product}: decision "${definition.name}"`
  try {
    return typed(definition, source)
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== 'view.invalid') throw error
    throw new PlatformError('decision.invalid', `${where}: ${error.message}`)
  }
}

function typed(definition: DecisionDefinition, source: DecisionSource): TypedDecision {
  const { name, version = 1, request, features, derived = [], answers, rules } = definition
  if (!NAME.test(name)) refuse('use a name like "surge-multiplier"')
  if (!Number.isInteger(version) || version < 1) refuse('the version is a whole number from 1')
  const columns = new Map<string, FieldType>()
  const declare = (column: string, type: FieldType) => {
    if (!COLUMN.test(column)) refuse(`"${column}" names no column: use a name like "zone"`)
    if (columns.has(column)) refuse(`there are two columns "${column}": rename one`)
    columns.set(column, type)
  }
  for (const [column, kind] of Object.entries(request)) {
    if (!KINDS.includes(kind))
      refuse(`${column} is one of ${KINDS.join(', ')}, not ${String(kind)}`)
    declare(column, { kind })
  }
  const asked = new Map(columns)
  if (features.length > MOST_FEATURES) refuse(`at most ${MOST_FEATURES} features are read at once`)
  const read = features.map(({ as, view: viewName, key }): TypedFeature => {
    const view = source.views.find((one) => one.name === viewName)
    if (view === undefined) return refuse(`${as}: there is no view "${viewName}"`)
    const typedKey = inPart(as, () => typedExpression(key, asked))
    if (!KEY_KINDS.includes(typedKey.type.kind)) {
      refuse(`${as}: a key is a text or a whole number, not ${kindText(typedKey.type.kind)}`)
    }
    const contract = contractOfView(view, source.contracts)
    const values = view.aggregates.map((one): [string, FieldType] => [
      one.name,
      aggregateOf(one, contract).resultType,
    ])
    for (const [aggregate, type] of values) declare(`${as}_${aggregate}`, type)
    declare(`${as}_stale`, { kind: 'boolean' })
    return { as, view, key: typedKey, values: new Map(values) }
  })
  const columnsOf = (of: DecisionDefinition['answers']) =>
    of.map(({ name: column, value }): TypedColumn => {
      const known = inPart(column, () => typedExpression(value, columns))
      declare(column, known.type)
      return { name: column, value: known }
    })
  const first = columnsOf(derived)
  const given = columnsOf(answers)
  return {
    definition,
    request: asked,
    features: read,
    derived: first,
    answers: given,
    rules: rules === undefined ? [] : rulesOf(rules, columns),
  }
}

function rulesOf(
  { outcomes, of }: NonNullable<DecisionDefinition['rules']>,
  columns: ReadonlyMap<string, FieldType>,
): readonly TypedExpression[] {
  if (outcomes.length < 2 || new Set(outcomes).size < outcomes.length) {
    refuse('"outcomes" names two or more, each once, from the mildest to the most severe')
  }
  for (const outcome of outcomes) if (!WORD.test(outcome)) refuse(`"${outcome}" is no outcome`)
  if (of.length > MOST_RULES) refuse(`there are more than ${MOST_RULES} rules`)
  if (new Set(of.map(({ name }) => name)).size < of.length) refuse('two rules have one name')
  return of.map(({ name, outcome, when }) => {
    if (!WORD.test(name)) refuse(`"${name}" names no rule: use a name like "tooManyZones"`)
    if (!outcomes.includes(outcome)) refuse(`${name}: "${outcome}" is none of the outcomes`)
    const condition = inPart(name, () => typedExpression(when, columns))
    if (condition.type.kind !== 'boolean') {
      refuse(`${name}: "when" is a condition, not ${kindText(condition.type.kind)}`)
    }
    return condition
  })
}

function inPart<T>(name: string, compute: () => T): T {
  try {
    return compute()
  } catch (error) {
    if (error instanceof PlatformError && error.code === 'view.invalid') {
      return refuse(`${name}: ${error.message}`)
    }
    throw error
  }
}

function refuse(message: string): never {
  throw new PlatformError('view.invalid', message)
}
