import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import {
  FEATURE_TIME_COLUMN,
  featureTableName,
  hasFeatureTable,
} from '#lib/domain/process/feature-table.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'

/** An Iceberg table of a product. */
export interface LakeTable {
  readonly name: string
  readonly kind: 'curated' | 'feature'
  /** The major of the contract whose rows it holds, or whose rows its own are made of. */
  readonly major: number
  /** The column that says when what a row tells of happened. */
  readonly timeColumn: string
}

/** The curated tables of a product, oldest major first, then the feature tables of its views. */
export function lakeTablesOf(
  contracts: ContractVersions,
  views: readonly ViewDefinition[],
): readonly LakeTable[] {
  const curated = contracts.majors.map(
    (contract): LakeTable => ({
      name: tableNameOf(contract),
      kind: 'curated',
      major: majorOf(contract.version),
      timeColumn: contract.eventTime,
    }),
  )
  const features = views.flatMap((view): readonly LakeTable[] => {
    const contract = contractOfView(view, contracts)
    if (!hasFeatureTable(view, contract)) return []
    return [
      {
        name: featureTableName(contract.product, view),
        kind: 'feature',
        major: majorOf(contract.version),
        timeColumn: FEATURE_TIME_COLUMN,
      },
    ]
  })
  return [...curated, ...features]
}

/** The tables beside these that are no Iceberg tables, but files by date: raw, quarantine and late rows. */
export function recordTablesOf(product: string): readonly string[] {
  return ['raw', 'quarantine', 'late'].map((records) => `${product}_${records}`)
}
