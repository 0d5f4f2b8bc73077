import type { Field, RowRule } from './contract.ts'
import type { ContractChange } from './contract-change.ts'
import type { DocumentPath } from './document-node.ts'
import { HOLDS } from './row-rule.ts'
import { compareScalars, readLiteral } from './scalar.ts'

type Operator = RowRule['operator']

/** Operators that hold wherever this one does, with the same right side. */
const IMPLIES: Readonly<Record<Operator, readonly Operator[]>> = {
  '<': ['<', '<=', '!='],
  '<=': ['<='],
  '=': ['=', '<=', '>='],
  '!=': ['!='],
  '>=': ['>='],
  '>': ['>', '>=', '!='],
}

/** A rule and where its text stands. */
export interface PlacedRule {
  readonly rule: RowRule
  readonly path: DocumentPath
}

/**
 * The differences between two sets of row rules. A rule that follows from the old ones rejects nothing new, by
 * whatever name; every other one does. `fields` are those of the new contract.
 */
export function compareRules(
  before: readonly PlacedRule[],
  after: readonly PlacedRule[],
  fields: readonly Field[],
  absent: { readonly before: DocumentPath; readonly after: DocumentPath },
): ContractChange[] {
  const changes: ContractChange[] = []
  const kept = new Set<PlacedRule>()
  for (const now of after) {
    const named = before.find((one) => one.rule.name === now.rule.name)
    if (named !== undefined) kept.add(named)
    if (named !== undefined && sameCondition(named.rule, now.rule)) continue
    const source = before.find((one) => implies(one.rule, now.rule, fields))
    const was = named ?? source
    const place = { before: was?.path ?? absent.before, after: now.path }
    const text = `rule ${now.rule.name}: ${ruleText(now.rule)}`
    if (source === undefined) {
      changes.push(
        named === undefined
          ? { kind: 'ruleAdded', message: `added ${text}`, ...place }
          : { kind: 'ruleTightened', message: `${text} was ${ruleText(named.rule)}`, ...place },
      )
    } else if (named === undefined && sameCondition(source.rule, now.rule)) {
      kept.add(source)
      changes.push({ kind: 'ruleRenamed', message: `${text} was ${source.rule.name}`, ...place })
    } else {
      const from = named === undefined ? 'follows from' : 'was'
      const message = `${text} ${from} ${ruleText(was!.rule)}`
      changes.push({ kind: 'ruleLoosened', message, ...place })
    }
  }
  for (const gone of before) {
    if (kept.has(gone)) continue
    const message = `removed rule ${gone.rule.name}: ${ruleText(gone.rule)}`
    changes.push({ kind: 'ruleRemoved', message, before: gone.path, after: absent.after })
  }
  return changes
}

export function ruleText({ left, operator, right }: RowRule): string {
  return `${left} ${operator} ${'field' in right ? right.field : `'${right.literal}'`}`
}

function sameCondition(a: RowRule, b: RowRule): boolean {
  return ruleText(a) === ruleText(b)
}

/** Whether every row that passes the old rule passes the new one. */
function implies(before: RowRule, after: RowRule, fields: readonly Field[]): boolean {
  if (before.left !== after.left) return false
  if ('field' in before.right || 'field' in after.right) {
    const same = JSON.stringify(before.right) === JSON.stringify(after.right)
    return same && IMPLIES[before.operator].includes(after.operator)
  }
  const type = fields.find((field) => field.name === after.left)?.type
  if (type === undefined) return false
  const [was, is] = [
    readLiteral(type, before.right.literal),
    readLiteral(type, after.right.literal),
  ]
  if ('problem' in was || 'problem' in is) return false
  const order = compareScalars(is.value, was.value)
  if (order === 0) return IMPLIES[before.operator].includes(after.operator)
  switch (before.operator) {
    case '<':
    case '<=':
      return order > 0 && ['<', '<=', '!='].includes(after.operator)
    case '>':
    case '>=':
      return order < 0 && ['>', '>=', '!='].includes(after.operator)
    case '=':
      return HOLDS[after.operator](-order)
    case '!=':
      return false
  }
}
