import type { Contract } from '#lib/domain/contract/contract.ts'
import type { Cell, Topology } from './topology.ts'

/** Every taggable resource carries all of these, or the synth fails. */
export const TAG_KEYS = [
  'owner',
  'domain',
  'data-product',
  'tier',
  'environment',
  'cell',
  'cost-center',
  'data-classification',
  'managed-by',
] as const

export type Tagging = Readonly<Record<(typeof TAG_KEYS)[number], string>>

/** Tags of what all products of a cell share. */
export function cellTags(topology: Topology, cell: Cell): Tagging {
  const { owner, domain, tier, costCenter, dataClassification } = topology.platform
  return {
    owner,
    domain,
    'data-product': 'shared',
    tier: String(tier),
    environment: topology.environment,
    cell: cell.name,
    'cost-center': costCenter,
    'data-classification': dataClassification,
    'managed-by': topology.namespace,
  }
}

/** Tags of what belongs to one data product: its contract says whose it is. */
export function productTags(topology: Topology, cell: Cell, contract: Contract): Tagging {
  return {
    ...cellTags(topology, cell),
    owner: contract.owner,
    domain: contract.domain,
    'data-product': contract.product,
    tier: String(contract.tier),
    'cost-center': contract.costCenter,
    'data-classification': contract.dataClassification,
  }
}
