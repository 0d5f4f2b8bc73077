import type { Contract } from '#lib/domain/contract/contract.ts'

/**
 * Refuses a product with a personal field: until fields are sealed under their subject's key, it would be stored in
 * the clear.
 */
export function refusePersonalFields(contract: Contract, file: string): void {
  const personal = contract.fields
    .filter((field) => field.personal)
    .map((field) => `"${field.name}"`)
  if (personal.length === 0) return
  const [what, it] = personal.length === 1 ? ['field', 'it'] : ['fields', 'them']
  throw new Error(
    `${file}: ${what} ${personal.join(', ')} of product "${contract.product}" would be stored unsealed, which personal data must not be: take ${it} out of the contract and let producers no longer send ${it}`,
  )
}
