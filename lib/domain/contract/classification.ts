import type { CompiledField } from './compile-field.ts'
import type { CustomProperties } from './custom-properties.ts'
import { shown } from './document-node.ts'

/** From the weakest to the strongest. */
const RANKS = ['public', 'internal', 'confidential', 'restricted']

/** What ODCS `classification` may say of a field: a rank, or that it is about a person. */
export const CLASSIFICATIONS = [...RANKS, 'personal']

/** Of the whole product: that of its most delicate field. The contract's own stands for fields without one. */
export function strongestClassification(
  custom: CustomProperties,
  fields: readonly CompiledField[],
): string {
  const general = custom.text('weir.dataClassification') ?? 'internal'
  if (!RANKS.includes(general)) {
    custom
      .node('weir.dataClassification')
      .problem(`weir.dataClassification is ${RANKS.join(', ')}, not ${shown(general)}`)
  }
  const ranks = fields.flatMap(({ classifications = [] }) =>
    classifications.map((one = general) => RANKS.indexOf(one === 'personal' ? 'restricted' : one)),
  )
  return RANKS[Math.max(0, ...ranks)]!
}
