import type { Contract, Field } from './contract.ts'

/** A contract whose personal fields are sealed under the keys of their subjects. */
export type SealedContract = Contract & { readonly subject: string }

/** Whether events of the contract hold what must be sealed before it is stored. */
export function isSealed(contract: Contract): contract is SealedContract {
  return contract.subject !== undefined && contract.fields.some(holdsPersonal)
}

/** Whether the field, or anything nested in it, is personal: it is sealed as a whole. */
export function holdsPersonal({ personal, type }: Field): boolean {
  if (personal) return true
  if (type.kind === 'struct') return type.fields.some(holdsPersonal)
  return type.kind === 'list' && holdsPersonal(type.element)
}

/** The fields that are sealed: the subject first, then the personal ones, in the order of the contract. */
export function sealedFields(contract: SealedContract): readonly string[] {
  const personal = contract.fields.filter(
    (field) => holdsPersonal(field) && field.name !== contract.subject,
  )
  return [contract.subject, ...personal.map(({ name }) => name)]
}

/**
 * The contract of an event as it is stored. The subject is a token, of type string; a personal field has its column, in
 * which nothing ever stands. Both may be absent: an erased person has neither. What was decided about their values when
 * they were readable is not decided again. A contract without personal fields is itself; so is one in this form.
 */
export function storedForm(contract: Contract): Contract {
  if (!isSealed(contract)) return contract
  const known = STORED.get(contract)
  if (known !== undefined) return known
  const hidden = new Set(sealedFields(contract))
  const stored: Contract = {
    ...contract,
    fields: contract.fields.map((field) => {
      if (!hidden.has(field.name)) return field
      const { description, id, name } = field
      const isSubject = name === contract.subject
      const type = isSubject ? ({ kind: 'string' } as const) : field.type
      const constraints = isSubject ? { maxLength: TOKEN_LENGTH } : {}
      return { id, name, type, required: false, description, personal: true, constraints }
    }),
    rowRules: contract.rowRules.filter(
      ({ left, right }) => !hidden.has(left) && !('field' in right && hidden.has(right.field)),
    ),
  }
  STORED.set(contract, stored)
  STORED.set(stored, stored)
  return stored
}

/** Characters of what stands for a subject. */
const TOKEN_LENGTH = 22

const STORED = new WeakMap<Contract, Contract>()

/**
 * The contract of an event as it comes. Whatever is said about what is wrong with one quotes none of its values: a value
 * in the wrong field may be anything.
 */
export function receivedForm(contract: Contract): Contract {
  if (!isSealed(contract)) return contract
  const { subject: _, ...rest } = contract
  return { ...rest, fields: contract.fields.map((field) => ({ ...field, personal: true })) }
}
