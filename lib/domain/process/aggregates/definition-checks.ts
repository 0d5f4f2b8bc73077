import type { Contract, Field, FieldType } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { AggregateDefinition } from '../view.ts'
import { longestText } from './field-values.ts'

type Kind = FieldType['kind']

/** Characters of a text that a state may hold: states are items that are written again with every batch. */
const MAX_TEXT_LENGTH = 400

/** Throws `view.invalid`: `message` goes on from "aggregate "x":". */
export function refuse(definition: Pick<AggregateDefinition, 'name'>, message: string): never {
  throw new PlatformError('view.invalid', `aggregate "${definition.name}": ${message}`)
}

/** Refuses options that the function does not have: a misspelt one would be ignored. */
export function checkOptions(definition: AggregateDefinition, options: readonly string[]): void {
  const known = ['name', 'function', ...options]
  const unknown = Object.keys(definition).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const has = options.length === 0 ? 'no options' : options.join(', ')
  refuse(definition, `${definition.function} has no option "${unknown}": it has ${has}`)
}

/** The field that is aggregated. Refuses one that is not of these kinds. */
export function fieldOf(
  definition: AggregateDefinition,
  contract: Contract,
  kinds: readonly Kind[],
): Field {
  const wanted = kinds.join(', ').replace(/, (?=\w+$)/, ' or ')
  const field = contract.fields.find((one) => one.name === definition.field)
  if (field === undefined) {
    return refuse(
      definition,
      `${definition.function} needs a field of the contract (${wanted}), not "${definition.field}"`,
    )
  }
  if (kinds.includes(field.type.kind)) return field
  return refuse(
    definition,
    `${definition.function} needs a field that is ${wanted}: "${field.name}" is ${field.type.kind}`,
  )
}

/** The same where states hold values of the field: refuses a text without a bound. */
export function keptFieldOf(
  definition: AggregateDefinition,
  contract: Contract,
  kinds: readonly Kind[],
): Field {
  const field = fieldOf(definition, contract, kinds)
  if (field.type.kind !== 'string' || longestText(field) <= MAX_TEXT_LENGTH) return field
  return refuse(
    definition,
    `${definition.function} keeps a value of "${field.name}" per key: give it a maxLength of at most ${MAX_TEXT_LENGTH} in the contract`,
  )
}

/** An option that is a number in a range. */
export function checkRange(
  definition: AggregateDefinition,
  option: string,
  value: unknown,
  range: { readonly least: number; readonly greatest: number; readonly isWhole?: boolean },
): number {
  const { least, greatest, isWhole = true } = range
  const isNumber = isWhole ? Number.isInteger(value) : Number.isFinite(value)
  if (isNumber && (value as number) >= least && (value as number) <= greatest) {
    return value as number
  }
  const what = isWhole ? 'a whole number' : 'a number'
  return refuse(
    definition,
    `${option} is ${what} from ${least} to ${greatest}, not ${JSON.stringify(value)}`,
  )
}
