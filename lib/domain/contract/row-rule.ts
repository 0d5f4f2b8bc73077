import type { Field, RowRule } from './contract.ts'
import { compareScalars, readLiteral, type Scalar } from './scalar.ts'

export const RULE_GRAMMAR =
  "<field> <operator> <field or literal>, such as pickup <= dropoff, amount > 0 or flag != 'X'; operators: < <= = != >= >"

const RULE =
  /^\s*([a-z][a-z0-9_]*)\s*(<=|>=|!=|<|>|=)\s*(?:([a-z][a-z0-9_]*)|'([^']*)'|(-?[0-9][0-9.eE+-]*))\s*$/

export type RuleParse =
  | { readonly ok: true; readonly rule: RowRule }
  | { readonly ok: false; readonly problem: string }

/** A rule over one row from its text; the text is parsed, never evaluated. */
export function parseRowRule(name: string, text: string, fields: readonly Field[]): RuleParse {
  const match = text.length <= 500 ? RULE.exec(text) : null
  if (match === null) return refuse(`not a row rule: write ${RULE_GRAMMAR}`)
  const [, leftName, operator, rightName, quoted, digits] = match
  const left = fields.find((field) => field.name === leftName)
  if (left === undefined) return refuse(`the rule names an unknown field "${leftName}"`)
  if (left.type.kind === 'struct' || left.type.kind === 'list') {
    return refuse(`a ${left.type.kind} cannot be compared: "${left.name}" holds several values`)
  }
  const ordered = operator !== '=' && operator !== '!='
  if (ordered && (left.type.kind === 'string' || left.type.kind === 'boolean')) {
    return refuse(`a ${left.type.kind} has no order: compare "${left.name}" with = or !=`)
  }
  const isBoolean = rightName === 'true' || rightName === 'false'
  const literal = quoted ?? digits ?? (isBoolean ? rightName : undefined)
  const right = fields.find((field) => field.name === rightName)
  if (literal === undefined) {
    if (right === undefined) {
      return refuse(`the rule names an unknown field "${rightName}"; a text literal stands in ' '`)
    }
    if (familyOf(left) !== familyOf(right)) {
      return refuse(
        `"${left.name}" (${left.type.kind}) and "${right.name}" (${right.type.kind}) cannot be compared`,
      )
    }
  } else if ('problem' in readLiteral(left.type, literal)) {
    return refuse(
      `'${literal}' is no value of "${left.name}" (${left.type.kind}): write it as an event would carry it`,
    )
  }
  return {
    ok: true,
    rule: {
      name,
      left: left.name,
      operator: operator as RowRule['operator'],
      right: literal === undefined ? { field: right!.name } : { literal },
    },
  }
}

/** A rule ready to run: whether the row passes. Values by field position; a null on either side passes. */
export type RowCheck = (row: readonly (Scalar | null)[]) => boolean

/** Prepares a rule that {@link parseRowRule} accepted. */
export function rowCheck(rule: RowRule, fields: readonly Field[]): RowCheck {
  const leftAt = fields.findIndex((field) => field.name === rule.left)
  const left = fields[leftAt]!
  const holds = HOLDS[rule.operator]
  if ('literal' in rule.right) {
    const reading = readLiteral(left.type, rule.right.literal)
    if ('problem' in reading) throw new Error(`rule ${rule.name} was never checked`)
    return (row) => {
      const value = row[leftAt] ?? null
      return value === null || holds(compareScalars(value, reading.value))
    }
  }
  const rightName = rule.right.field
  const rightAt = fields.findIndex((field) => field.name === rightName)
  const [scaleLeft, scaleRight] = commonScale(left, fields[rightAt]!)
  return (row) => {
    const [a, b] = [row[leftAt] ?? null, row[rightAt] ?? null]
    return a === null || b === null || holds(compareScalars(scaleLeft(a), scaleRight(b)))
  }
}

/** Whether an operator holds, by the order of its left side against its right one. */
export const HOLDS: Readonly<Record<RowRule['operator'], (order: number) => boolean>> = {
  '<': (order) => order < 0,
  '<=': (order) => order <= 0,
  '=': (order) => order === 0,
  '!=': (order) => order !== 0,
  '>=': (order) => order >= 0,
  '>': (order) => order > 0,
}

function refuse(problem: string): RuleParse {
  return { ok: false, problem }
}

/** Types of one family hold comparable values. */
function familyOf(field: Field): string {
  const { kind } = field.type
  return kind === 'int' || kind === 'long' || kind === 'decimal' ? 'exact number' : kind
}

/** Exact numbers are unscaled: brought to one scale before they are compared. */
function commonScale(
  left: Field,
  right: Field,
): [(value: Scalar) => Scalar, (value: Scalar) => Scalar] {
  const scales = [left, right].map((field) =>
    field.type.kind === 'decimal' ? field.type.scale : 0,
  )
  const target = Math.max(...scales)
  const [first, second] = scales.map((scale) => {
    const factor = 10n ** BigInt(target - scale)
    return (value: Scalar) => (typeof value === 'bigint' ? value * factor : value)
  })
  return [first!, second!]
}
