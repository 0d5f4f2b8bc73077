import { type ChangeTerms, statedFields } from '../change-terms.ts'
import type { Contract } from '../contract.ts'
import { type Declarations, type Member, optional, required } from './declarations.ts'
import { plain, union } from './type-text.ts'

/** Whatever else a connector writes is not read. */
const OTHERS: Member = required('[member: string]', plain('unknown'))

/**
 * Declares Debezium's envelope of a change under this name: which images of the row it has depends on what happened. `row`
 * is the name of a row that exists.
 */
export function addChange(
  declarations: Declarations,
  types: { readonly change: string; readonly row: string },
  contract: Contract & { readonly changes: ChangeTerms },
): void {
  const { changes } = contract
  const name = (...words: readonly string[]) => declarations.names.take(...words)
  const written = name(types.change, 'written')
  const updated = name(types.change, 'updated')
  const deleted = name(types.change, 'deleted')
  const source = name(types.change, 'source')
  const known = name(types.row, 'known')
  const addKind = (kind: string, comment: string, members: readonly Member[]) =>
    declarations.addInterface({ name: kind, comment: [comment] }, [
      ...members,
      required('source', plain(source)),
      OTHERS,
    ])
  const none = plain('null')

  declarations.addType(
    { name: types.change, comment: ['A change of a row, in the envelope of Debezium.'] },
    union(plain(written), plain(updated), plain(deleted)),
  )
  addKind(written, 'A row was created (c), or read in a first snapshot (r).', [
    required('op', plain("'c' | 'r'")),
    { ...required('before', none), optional: true },
    required('after', plain(types.row)),
  ])
  addKind(updated, 'A row was updated; its key is the same in both images.', [
    required('op', plain("'u'")),
    optional('before', plain(known)),
    required('after', plain(types.row)),
  ])
  addKind(deleted, 'A row was deleted.', [
    required('op', plain("'d'")),
    required('before', plain(known)),
    { ...required('after', none), optional: true },
  ])
  addSource(declarations, source, changes)
  declarations.addFields(
    { name: types.row, comment: ['A row that exists.', contract.description] },
    statedFields(contract),
  )
  declarations.addFields(
    { name: known, comment: ['A row as it was: its key, and what else is known of it.'] },
    statedFields(contract).map((field) => {
      return { ...field, required: changes.key.includes(field.name) }
    }),
  )
}

function addSource(declarations: Declarations, name: string, { position }: ChangeTerms): void {
  const parts = position.filter((part) => part !== 'ts_ms')
  const form = 'A whole number from 0, or a text of 1 to 256 characters.'
  const order = `Where a change stands in its database. Of two changes the later one is told by ${position.join(', ')}.`
  declarations.addInterface({ name, comment: [order] }, [
    ...parts.map((part) => required(part, union(plain('number'), plain('string')), form)),
    required('ts_ms', plain('number'), 'When it was committed, in milliseconds since the epoch.'),
    OTHERS,
  ])
}
