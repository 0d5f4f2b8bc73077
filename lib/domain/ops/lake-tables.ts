import { isChangeContract } from '#lib/domain/contract/change-terms.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { latestTableName, tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import {
  FEATURE_TIME_COLUMN,
  featureTableName,
  hasFeatureTable,
} from '#lib/domain/process/feature-table.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'

/** When a step of the upkeep ended. */
export const MAINTENANCE_TIME_COLUMN = 'finished_at'

/** The table that says what was done for the others. */
export function maintenanceTableName(product: string): string {
  return `${product}_maintenance`
}

/** An Iceberg table of a product. */
export interface LakeTable {
  readonly name: string
  readonly kind: 'curated' | 'latest' | 'feature' | 'maintenance'
  /** The major of the contract whose rows it holds, or whose rows its own are made of; of the last kind the newest. */
  readonly major: number
  /** The column that says when what a row tells of happened. */
  readonly timeColumn: string
}

/**
 * The curated tables of a product, oldest major first, the newest changes of their rows, the feature tables of its
 * views, and the record of their upkeep.
 */
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
  const latest = contracts.majors.filter(isChangeContract).map(
    (contract): LakeTable => ({
      name: latestTableName(contract),
      kind: 'latest',
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
  const { current } = contracts
  return [
    ...curated,
    ...latest,
    ...features,
    {
      name: maintenanceTableName(current.product),
      kind: 'maintenance',
      major: majorOf(current.version),
      timeColumn: MAINTENANCE_TIME_COLUMN,
    },
  ]
}

/** The tables beside these that are no Iceberg tables, but files by date: raw, quarantine and late rows. */
export function recordTablesOf(product: string): readonly string[] {
  return ['raw', 'quarantine', 'late'].map((records) => `${product}_${records}`)
}
