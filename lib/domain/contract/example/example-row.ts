import type { Field, RowRule } from '../contract.ts'
import { rowCheck } from '../row-rule.ts'
import { readLiteral, type Scalar, scaleOf } from '../scalar.ts'
import { type DocumentField, examplesAt, NoExample, valueTexts } from './field-values.ts'
import { type Candidate, candidateOf, scalarValues, stepped } from './scalar-values.ts'

/** The values of a row that fits the contract, as JSON by field name; an optional field without a value is not there. */
export type ExampleRow = ReadonlyMap<string, string>

/** Values of fields that are not an event's to choose freely, in the order in which they are tried. */
export type OwnValues = ReadonlyMap<string, readonly Candidate[]>

/** Values that are tried for a field that a rule names, and tries for all of them together. */
const MAX_CANDIDATES = 48
const MAX_TRIES = 100_000

/** A value, or that there is none. */
type Choice = Candidate | null

/**
 * A row that each field and each rule accepts. Throws {@link NoExample} if none is found: of contracts whose rules leave
 * hardly any.
 */
export function exampleRow(
  fields: readonly DocumentField[],
  rules: readonly RowRule[],
  own: OwnValues = new Map(),
): ExampleRow {
  const all = fields.map(({ field }) => field)
  const chosen = new Map<string, Choice>()
  for (const group of rulesByFields(rules)) {
    const ruled = fields.filter(({ field }) =>
      group.some((rule) => namesIn(rule).includes(field.name)),
    )
    for (const [name, choice] of chooseByRules(ruled, all, group, own)) chosen.set(name, choice)
  }
  const row = new Map<string, string>()
  for (const where of fields) {
    const { name, required } = where.field
    const choice = chosen.get(name)
    const json =
      choice === undefined ? (own.get(name)?.[0]?.json ?? firstText(where)) : choice?.json
    if (json !== undefined) row.set(name, json)
    else if (required) throw new NoExample(`no value of "${name}" was found`)
  }
  return row
}

/** Rules that name no field of each other's are apart: what one group chooses is nothing to the others. */
function rulesByFields(rules: readonly RowRule[]): RowRule[][] {
  const groups: RowRule[][] = []
  for (const rule of rules) {
    const near = groups.filter((group) =>
      group.some((one) => namesIn(one).some((name) => namesIn(rule).includes(name))),
    )
    for (const group of near) groups.splice(groups.indexOf(group), 1)
    groups.push([...near.flat(), rule])
  }
  return groups
}

/** The JSON text of an object with these members. */
export function objectText(members: ReadonlyMap<string, string>): string {
  return `{${[...members].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

function firstText(where: DocumentField): string | undefined {
  for (const text of valueTexts(where)) return text
  return undefined
}

function chooseByRules(
  ruled: readonly DocumentField[],
  fields: readonly Field[],
  rules: readonly RowRule[],
  own: OwnValues,
): ReadonlyMap<string, Choice> {
  const choices = choicesOf(ruled, rules, own)
  const checks = rules.map((rule) => ({
    names: namesIn(rule),
    passes: rowCheck(rule, fields),
  }))
  const placeOf = new Map(fields.map((field, at) => [field.name, at]))
  const row: (Scalar | null)[] = fields.map(() => null)
  const chosen = new Map<string, Choice>()
  let tries = 0
  const choose = (at: number): boolean => {
    const name = ruled[at]?.field.name
    if (name === undefined) return true
    for (const choice of choices.get(name)!) {
      if (++tries > MAX_TRIES) throw new NoExample('no row was found that its rules accept')
      row[placeOf.get(name)!] = choice?.value ?? null
      chosen.set(name, choice)
      // A field that is not chosen yet is null here, which every rule passes.
      if (
        checks.every((check) => !check.names.includes(name) || check.passes(row)) &&
        choose(at + 1)
      )
        return true
    }
    row[placeOf.get(name)!] = null
    return false
  }
  if (choose(0)) return chosen
  throw new NoExample('no row was found that its rules accept')
}

/** What may be tried: values of each field's own, and those near what its rules compare it with. */
function choicesOf(
  ruled: readonly DocumentField[],
  rules: readonly RowRule[],
  own: OwnValues,
): ReadonlyMap<string, readonly Choice[]> {
  const found = new Map(
    ruled.map(({ field, document, path }) => {
      const values = own.get(field.name)
      const list = taken(values ?? scalarValues(field, examplesAt(document, path)))
      return [field.name, { field, list, isOwn: values !== undefined }]
    }),
  )
  // A value travels one rule a round: from one end of a chain of rules to the other in as many as there are.
  for (let round = 0; round < Math.min(rules.length, 8); round++) {
    for (const rule of rules) {
      const left = found.get(rule.left)!
      const [rightName] = rightNames(rule)
      const right = rightName === undefined ? undefined : found.get(rightName)!
      if (right === undefined) addNear(left, literalsOf(rule, left.field))
      else {
        addNear(left, converted(right.list, right.field, left.field))
        addNear(right, converted(left.list, left.field, right.field))
      }
    }
  }
  return new Map(
    [...found].map(([name, { field, list }]) => [name, field.required ? list : [...list, null]]),
  )
}

interface Found {
  readonly field: Field
  readonly list: Candidate[]
  readonly isOwn: boolean
}

function addNear({ field, list, isOwn }: Found, values: readonly Scalar[]): void {
  if (isOwn) return
  const accepted = candidateOf(field)
  for (const value of values) {
    for (const steps of [0, 1, -1]) {
      if (list.length >= 4 * MAX_CANDIDATES) return
      const candidate = accepted(stepped(field.type, value, steps))
      if (candidate === undefined || list.some((one) => one.value === candidate.value)) continue
      list.push(candidate)
    }
  }
}

function literalsOf(rule: RowRule, field: Field): readonly Scalar[] {
  if (!('literal' in rule.right)) return []
  const reading = readLiteral(field.type, rule.right.literal)
  return 'value' in reading ? [reading.value] : []
}

/** Exact numbers are brought to the other's scale; what is rounded off there, a step more or less makes good. */
function converted(list: readonly Candidate[], from: Field, to: Field): Scalar[] {
  const values = list.slice(0, MAX_CANDIDATES).map((one) => one.value)
  const power = scaleOf(to.type) - scaleOf(from.type)
  if (power === 0) return values
  const factor = 10n ** BigInt(Math.abs(power))
  return values.map((value) => {
    if (typeof value !== 'bigint') return value
    return power > 0 ? value * factor : value / factor
  })
}

function taken(values: Iterable<Candidate>): Candidate[] {
  const list: Candidate[] = []
  for (const value of values) {
    list.push(value)
    if (list.length === MAX_CANDIDATES) break
  }
  return list
}

function namesIn(rule: RowRule): readonly string[] {
  return [rule.left, ...rightNames(rule)]
}

function rightNames({ right }: RowRule): readonly string[] {
  return 'field' in right ? [right.field] : []
}
