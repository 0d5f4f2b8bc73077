import type { Contract } from '#lib/domain/contract/contract.ts'
import { holdsPersonal } from '#lib/domain/contract/stored-form.ts'

/** The contract without its personal fields: for what is not about sealing. */
export function withoutPersonal({ subject: _, ...contract }: Contract): Contract {
  return { ...contract, fields: contract.fields.filter((field) => !holdsPersonal(field)) }
}
