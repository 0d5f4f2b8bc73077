import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { type ContractSource, contractSource } from '#lib/domain/contract/contract-source.ts'
import { withoutPersonal } from './without-personal.ts'

const TEXT = readFileSync(join(import.meta.dirname, '../../products/trips/contract.yaml'), 'utf8')

/** The trips contract as another version: its text with replacements, each of which must apply. */
export function tripsVersion(
  version: string,
  ...replacements: readonly (readonly [before: string, after: string])[]
): ContractSource {
  const text = [['version: "1.0.0"', `version: "${version}"`] as const, ...replacements].reduce(
    (before, [from, to]) => {
      if (!before.includes(from)) throw new Error(`the contract does not say "${from}"`)
      return before.replace(from, to)
    },
    TEXT,
  )
  const source = contractSource(text, `${version}.yaml`)
  if (source === undefined) throw new Error(`version ${version} is not valid`)
  return source
}

/** A new optional field, and an integer that may be longer. */
export const WIDER = [
  [
    '      - name: pickup_datetime\n',
    `      - name: airport_fee
        description: For trips from the airports, in dollars.
        logicalType: number
        physicalType: decimal(10, 2)
        customProperties:
          - property: weir.fieldId
            value: 28
      - name: pickup_datetime
`,
  ],
  [
    'logicalTypeOptions:\n          minimum: 1\n          maximum: 99',
    'logicalTypeOptions:\n          format: i64\n          minimum: 1\n          maximum: 99999999999',
  ],
] as const

/** A renamed field. */
export const RENAMED = [['- name: fare_amount', '- name: fare']] as const

/** Without riders: 1.0.0 as it is; 1.1.0, which is wider; 2.0.0, which breaks. */
export const tripsVersions = (): readonly [Contract, Contract, Contract] => [
  withoutPersonal(tripsVersion('1.0.0').contract),
  withoutPersonal(tripsVersion('1.1.0', ...WIDER).contract),
  withoutPersonal(tripsVersion('2.0.0', ...WIDER, ...RENAMED).contract),
]
