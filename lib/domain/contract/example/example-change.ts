import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { CHANGE_FIELDS, CHANGE_TIME, type ChangeTerms, statedFields } from '../change-terms.ts'
import type { Contract } from '../contract.ts'
import { readLiteral } from '../scalar.ts'
import { exampleRow, objectText } from './example-row.ts'
import { type DocumentField, NoExample, tableFields } from './field-values.ts'
import { candidateOf } from './scalar-values.ts'

/** In the order in which they are tried: a change that most readers will meet first. */
const OPERATIONS = ['c', 'u', 'r', 'd'] as const

/** The JSON text of a change in Debezium's envelope. Throws {@link NoExample} if no kind of change has one. */
export function exampleChange(
  contract: Contract & { readonly changes: ChangeTerms },
  document: JsonValue,
): string {
  let problem: unknown
  for (const op of OPERATIONS) {
    try {
      return changeOf(op, contract, document)
    } catch (error) {
      if (!(error instanceof NoExample)) throw error
      problem ??= error
    }
  }
  throw problem
}

function changeOf(
  op: (typeof OPERATIONS)[number],
  contract: Contract & { readonly changes: ChangeTerms },
  document: JsonValue,
): string {
  const { key } = contract.changes
  // Of a row that is gone, its key may be all that is known.
  const image = statedFields(contract).map((field) =>
    op === 'd' ? { ...field, required: key.includes(field.name) } : field,
  )
  const fields: DocumentField[] = [
    ...tableFields(document, image),
    ...CHANGE_FIELDS.map((field) => ({ field, document: null, path: [] })),
  ]
  // The position is made of what the source has, so no rule gets to choose it.
  const own = new Map(
    [
      ['op', op],
      ['source_position', '0011'],
    ].map(([name, value]) => {
      const field = CHANGE_FIELDS.find((one) => one.name === name)!
      return [name!, [candidateOf(field)(value!)!]]
    }),
  )
  const row = exampleRow(fields, contract.rowRules, own)
  const names = new Set(image.map((field) => field.name))
  const imageText = objectText(new Map([...row].filter(([name]) => names.has(name))))
  return objectText(
    new Map([
      ['op', JSON.stringify(op)],
      [op === 'd' ? 'before' : 'after', imageText],
      ['source', sourceText(contract.changes, row.get(CHANGE_TIME)!)],
    ]),
  )
}

function sourceText({ position }: ChangeTerms, changeTime: string): string {
  const reading = readLiteral({ kind: 'timestamp' }, JSON.parse(changeTime) as string)
  if ('problem' in reading) throw new NoExample('no time of the change was found')
  const parts = position.filter((name) => name !== 'ts_ms').map((name) => [name, '1'] as const)
  return objectText(new Map([...parts, ['ts_ms', String((reading.value as bigint) / 1_000n)]]))
}
