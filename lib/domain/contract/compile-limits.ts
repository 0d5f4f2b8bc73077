import type { Contract } from './contract.ts'
import type { CustomProperties } from './custom-properties.ts'
import { type DocumentNode, shown } from './document-node.ts'
import { maintenanceOf } from './maintenance-terms.ts'
import { rawStorageOf } from './raw-storage-terms.ts'
import type { WeirPropertyName } from './weir-properties.ts'

const DEFAULT_FRESHNESS_SECONDS = 5
/** Lambda lets a batch gather for five minutes at most. */
const MAX_FRESHNESS_SECONDS = 300
const MINUTES_PER_DAY = 1440
const WEEK_HOURS = 168

export type Limits = Pick<
  Contract,
  | 'tier'
  | 'stream'
  | 'retention'
  | 'dedupHorizonMinutes'
  | 'maxFutureSkewMinutes'
  | 'outOfOrdernessSeconds'
  | 'stateRetentionDays'
  | 'maintenance'
  | 'backfillApprovalCents'
>

/** The numbers of the contract, and what they owe to each other. */
export function limitsOf(root: DocumentNode, custom: CustomProperties): Limits {
  const number = (name: WeirPropertyName) => custom.integer(name) ?? 0
  const tier = number('weir.tier') as Contract['tier']
  const retentionHours = number('weir.streamRetentionHours')
  if (tier === 1 && retentionHours < WEEK_HOURS) {
    custom
      .node('weir.streamRetentionHours')
      .problem(`a tier 1 stream keeps records for a week at least: write ${WEEK_HOURS} or more`)
  }
  const dedupHorizonMinutes = number('weir.dedupHorizonMinutes')
  const rawDays = number('weir.rawRetentionDays')
  // Raw outlives the dedup horizon and every fence, or a rebuild would judge otherwise.
  const leastDays = 30 + Math.ceil(dedupHorizonMinutes / MINUTES_PER_DAY)
  if (rawDays < leastDays) {
    custom
      .node('weir.rawRetentionDays')
      .problem(`raw outlives the dedup horizon by 30 days: write ${leastDays} or more`)
  }
  return {
    tier,
    stream: { shards: number('weir.shards'), retentionHours, freshnessSeconds: freshnessOf(root) },
    dedupHorizonMinutes,
    maxFutureSkewMinutes: number('weir.maxFutureSkewMinutes'),
    outOfOrdernessSeconds: number('weir.outOfOrdernessSeconds'),
    stateRetentionDays: number('weir.stateRetentionDays'),
    maintenance: maintenanceOf(custom),
    backfillApprovalCents: custom.integer('weir.backfillApprovalCents') ?? 1_000,
    retention: {
      rawDays,
      quarantineDays: number('weir.quarantineRetentionDays'),
      undecodableDays: number('weir.undecodableRetentionDays'),
      ...rawStorageOf(custom, { rawDays, retentionHours }),
    },
  }
}

/** Freshness is what ODCS calls the SLA property `latency`. */
function freshnessOf(root: DocumentNode): number {
  for (const sla of root.get('slaProperties').items('slaProperties')) {
    if (!sla.object('an SLA property') || sla.get('property').value !== 'latency') continue
    const factor = secondsPer(sla.get('unit'))
    if (factor === undefined) break
    const value = sla.get('value').integer('latency', 1, MAX_FRESHNESS_SECONDS / factor)
    return (value ?? DEFAULT_FRESHNESS_SECONDS) * factor
  }
  return DEFAULT_FRESHNESS_SECONDS
}

function secondsPer(unit: DocumentNode): number | undefined {
  const name = unit.text('the unit of latency') ?? 's'
  if (['s', 'sec', 'second', 'seconds'].includes(name)) return 1
  if (['m', 'min', 'minute', 'minutes'].includes(name)) return 60
  return unit.problem(`the unit of latency is s or min, not ${shown(name)}`)
}
