import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'

/** A field of a contract for tests, complete but for what a test cares about. */
export function fieldOf(given: Partial<Field> & { readonly name: string }): Field {
  return {
    id: 10,
    type: { kind: 'string' },
    required: true,
    description: '',
    personal: false,
    constraints: {},
    ...given,
  }
}

/** A product for tests, complete but for what a test cares about. */
export function productOf(given: Partial<Contract> = {}): Product {
  const contract: Contract = {
    product: 'sensor_readings',
    version: '1.0.0',
    description: 'Readings of sensors',
    domain: 'telemetry',
    owner: 'telemetry-team',
    tier: 1,
    dataClassification: 'internal',
    costCenter: 'cc-42',
    fields: [fieldOf({ name: 'sensor' })],
    eventTime: 'read_at',
    eventType: 'sensor.read',
    partitionKey: 'sensor',
    spread: 1,
    rowRules: [],
    partitioning: [],
    stream: { shards: 3, retentionHours: 168, freshnessSeconds: 4 },
    dedupHorizonMinutes: 1440,
    maxFutureSkewMinutes: 5,
    outOfOrdernessSeconds: 60,
    stateRetentionDays: 30,
    maintenance: { schedule: 'daily', targetFileSizeMb: 32 },
    backfillApprovalCents: 1_000,
    retention: { rawDays: 400, quarantineDays: 90, undecodableDays: 7 },
    ...given,
  }
  const directory = `products/${contract.product}`
  return {
    name: contract.product,
    contract,
    documents: [{ id: contract.product, version: contract.version }],
    sources: [],
    views: [],
    decisions: [],
    files: { directory, contract: `${directory}/contract.yaml` },
  }
}
