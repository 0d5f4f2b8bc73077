import type { Contract, RowRule } from '#lib/domain/contract/contract.ts'
import { rowCheck } from '#lib/domain/contract/row-rule.ts'
import { readLiteral, type Scalar } from '#lib/domain/contract/scalar.ts'
import type { Bindings } from './bindings.ts'
import type { FieldColumn } from './field-columns.ts'
import type { FieldPlan } from './field-plan.ts'

/** What a rule's source may refer to. */
export interface RuleContext {
  readonly contract: Contract
  readonly plans: readonly FieldPlan[]
  readonly columns: readonly FieldColumn[]
  readonly bindings: Bindings
}

/**
 * Source text of a function `rules(r)` over a complete row: the index of the first rule that it breaks, or -1.
 * Values that lie in columns alike are compared where they lie; any other rule is run by the slow decoder's check.
 */
export function emitRules(context: RuleContext): string {
  const { contract } = context
  const tests = contract.rowRules.map((rule, index) => {
    const passes = emitRule(rule, context) ?? `${context.bindings.use(slowRule(rule, context))}(r)`
    return `if(!(${passes}))return ${index};`
  })
  return `function rules(r){const q=r<<1;${tests.join('\n')}return -1}`
}

function emitRule(rule: RowRule, context: RuleContext): string | undefined {
  const { plans, columns, bindings } = context
  const indexOf = (name: string) => plans.findIndex(({ field }) => field.name === name)
  const left = indexOf(rule.left)
  const right = 'field' in rule.right ? indexOf(rule.right.field) : undefined
  if (left < 0 || right === -1) return undefined
  const literal =
    'literal' in rule.right ? readLiteral(plans[left]!.field.type, rule.right.literal) : undefined
  if (literal !== undefined && 'problem' in literal) return undefined
  if (right !== undefined && scaleOf(plans[left]!) !== scaleOf(plans[right]!)) return undefined
  const sides = [left, right].filter((side) => side !== undefined)
  const isNull = sides
    .filter((side) => !plans[side]!.field.required)
    .map((side) => `${bindings.use(columns[side]!.nulls)}[r]===1`)
  const holds = emitComparison(
    rule.operator,
    columns[left]!,
    right === undefined ? literal!.value : columns[right]!,
    bindings,
  )
  return holds && [...isNull, `(${holds})`].join('||')
}

/** Comparable values of different scales lie in their columns differently. */
function scaleOf({ field: { type } }: FieldPlan): string {
  if (type.kind === 'decimal') return `int64 ${type.scale}`
  return type.kind === 'long' ? 'int64 0' : type.kind
}

const OPERATORS: Readonly<Record<RowRule['operator'], string>> = {
  '<': '<',
  '<=': '<=',
  '=': '===',
  '!=': '!==',
  '>=': '>=',
  '>': '>',
}

function emitComparison(
  operator: RowRule['operator'],
  left: FieldColumn,
  right: FieldColumn | Scalar,
  bindings: Bindings,
): string | undefined {
  const js = OPERATORS[operator]
  if (left.storage === 'int32' || left.storage === 'float64') {
    const values = (column: FieldColumn) => `${bindings.use(column[left.storage as 'int32'])}[r]`
    const other = typeof right === 'object' ? values(right) : `(${Number(right)})`
    return `${values(left)}${js}${other}`
  }
  if (left.storage !== 'int64') return undefined
  const [low, high] = halvesOf(left, bindings)
  const [low2, high2] = typeof right === 'object' ? halvesOf(right, bindings) : split(right)
  if (operator === '=' || operator === '!=') {
    const equal = `${low}===${low2}&&${high}===${high2}`
    return operator === '=' ? equal : `!(${equal})`
  }
  // The high halves decide, then the low ones as unsigned numbers.
  return `${high}${js[0]}${high2}||(${high}===${high2}&&(${low}>>>0)${js}(${low2}>>>0))`
}

function halvesOf(column: FieldColumn, bindings: Bindings): [low: string, high: string] {
  const halves = bindings.use(column.halves)
  return [`${halves}[q]`, `${halves}[q+1]`]
}

function split(value: Scalar): [low: string, high: string] {
  const halves = new Int32Array(BigInt64Array.of(value as bigint).buffer)
  return [`(${halves[0]})`, `(${halves[1]})`]
}

/** The slow decoder's own check, on values taken back out of the columns. */
function slowRule(rule: RowRule, { contract, plans, columns }: RuleContext) {
  const passes = rowCheck(rule, contract.fields)
  const names = [rule.left, 'field' in rule.right ? rule.right.field : rule.left]
  const sides = plans.filter(({ field }) => names.includes(field.name))
  return (row: number): boolean => {
    const values: (Scalar | null)[] = []
    for (const { index, field } of sides) {
      // A rule compares single values, never an object or an array.
      const value = columns[index]!.valueAt(row) as Scalar | null
      // The slow decoder holds whole numbers as bigint.
      values[index] = field.type.kind === 'int' && value !== null ? BigInt(value) : value
    }
    return passes(values)
  }
}
