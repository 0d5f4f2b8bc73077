import { isChangeContract } from '#lib/domain/contract/change-terms.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { holdsPersonal, isSealed, sealedFields } from '#lib/domain/contract/stored-form.ts'

/** Refuses a product whose personal fields could not be sealed: they would be stored in the clear. */
export function checkPersonalFields(contract: Contract, file: string): void {
  const personal = contract.fields.filter(holdsPersonal).map(({ name }) => name)
  if (personal.length === 0) return
  const refuse = (names: readonly string[], because: string): never => {
    const quoted = names.map((name) => `"${name}"`).join(', ')
    const fields = names.length === 1 ? 'field' : 'fields'
    throw new Error(
      `${file}: personal ${fields} ${quoted} of product "${contract.product}" ${because}`,
    )
  }
  if (!isSealed(contract)) {
    refuse(
      personal,
      'would be stored unsealed: name the field that says whom they are about as weir.subject',
    )
    return
  }
  if (isChangeContract(contract)) {
    refuse(
      personal,
      'are part of changes of another store, which are not sealed yet: leave them out of what is captured',
    )
  }
  const sealed = sealedFields(contract)
  const { eventTime, partitioning } = contract
  const needed = [eventTime, ...partitioning.map(({ field }) => field)]
  const unreadable = sealed.filter((name) => needed.includes(name))
  if (unreadable.length > 0) {
    refuse(
      unreadable,
      'would be needed to store the rest: event time and partitions are not personal',
    )
  }
}
