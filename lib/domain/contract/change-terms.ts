import type { Contract, Field } from './contract.ts'

/** How the events of a product tell changes of the rows of another store. */
export interface ChangeTerms {
  readonly format: 'debezium'
  /** Members of a change's `source` that say which of two changes is the later one, the weightiest first. */
  readonly position: readonly string[]
  /** The fields that name a row, in key order. */
  readonly key: readonly string[]
  /** The fields that a row which exists must have; of one that is deleted, its key may be all that is known. */
  readonly required: readonly string[]
}

/** A contract whose events are changes of rows. */
export type ChangeContract = Contract & { readonly changes: ChangeTerms }

export function isChangeContract(contract: Contract): contract is ChangeContract {
  return contract.changes !== undefined
}

/** What a change did: created, updated or deleted a row, or read it in a first snapshot. */
export const OPERATIONS = ['c', 'u', 'd', 'r'] as const
export type Operation = (typeof OPERATIONS)[number]

/** Where a change says when it happened. */
export const CHANGE_TIME = 'changed_at'

/**
 * Columns that every table of changes has behind those of the row: what happened, which of two changes of a row is the
 * later one, and when. The row's columns hold it as it was after the change; of a deleted row what was known before.
 */
export const CHANGE_FIELDS: readonly Field[] = [
  {
    ...plain(7, 'op', 'c created, u updated, d deleted, r read in a first snapshot'),
    type: { kind: 'string' },
    constraints: { values: OPERATIONS },
  },
  {
    ...plain(
      8,
      'source_position',
      'of two changes of a row the one with the greater text is later',
    ),
    type: { kind: 'string' },
  },
  {
    ...plain(9, CHANGE_TIME, 'when the source committed the change'),
    type: { kind: 'timestamp' },
  },
]

function plain(id: number, name: string, description: string) {
  return { id, name, description, required: true, personal: false, constraints: {} }
}

/** The fields as the contract states them: without Weir's own, and required as they are of a row that exists. */
export function statedFields({ changes, fields }: Contract): readonly Field[] {
  if (changes === undefined) return fields
  return fields
    .filter((field) => !CHANGE_FIELDS.some((own) => own.name === field.name))
    .map((field) => ({ ...field, required: changes.required.includes(field.name) }))
}
