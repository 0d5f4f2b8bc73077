import type { Contract } from '#lib/domain/contract/contract.ts'
import { type ContractVersions, versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import { contractWith, field } from '#test/domain/contract/contract-document.ts'

export const EVENT_TYPE = 'test.happened'
export const DEDUP_HORIZON_MINUTES = 60
export const FUTURE_SKEW_MINUTES = 60
/** An event counts this long after its window, */
export const ALLOWED_LATENESS_SECONDS = 180
/** and may be so far behind others of its shard; */
export const OUT_OF_ORDER_SECONDS = 120
/** what a final window was made of is kept so long. */
export const STATE_RETENTION_DAYS = 1

/** What code that is deployed later makes of amounts above this, in cents: it rejects them. */
export const STRICT_CENTS = 2000

const AMOUNT = field('amount', 'number', 12, {
  required: true,
  physicalType: 'decimal(10, 2)',
  logicalTypeOptions: { minimum: 0 },
})
const NOTE = field('note', 'string', 13)
/** Of a key: what version 1.0.0 takes, and what later ones do. */
export const SHORT_KEY_LENGTH = 8
export const LONG_KEY_LENGTH = 32

/** Few columns, so that thousands of files can be written: the contract of the simulation's product. */
function contractOf(version: string): Contract {
  const maxLength = version === '1.0.0' ? SHORT_KEY_LENGTH : LONG_KEY_LENGTH
  const contract = contractWith([AMOUNT, ...(version === '1.0.0' ? [] : [NOTE])], {
    custom: [
      ['weir.dedupHorizonMinutes', DEDUP_HORIZON_MINUTES],
      ['weir.maxFutureSkewMinutes', FUTURE_SKEW_MINUTES],
      ['weir.allowedLatenessSeconds', ALLOWED_LATENESS_SECONDS],
      ['weir.outOfOrdernessSeconds', OUT_OF_ORDER_SECONDS],
      ['weir.stateRetentionDays', STATE_RETENTION_DAYS],
    ],
    top: { version },
  })
  const fields = contract.fields.map((one) =>
    one.name === 'key' ? { ...one, constraints: { maxLength } } : one,
  )
  return { ...contract, fields, partitioning: [{ field: 'at', transform: 'day' }] }
}

const [OLD, NEW] = [contractOf('1.0.0'), contractOf('1.1.0')]
/** The same version as other code reads it. */
const STRICT: Contract = {
  ...OLD,
  fields: OLD.fields.map((one) =>
    one.name === 'amount'
      ? { ...one, constraints: { ...one.constraints, maximum: String(STRICT_CENTS / 100) } }
      : one,
  ),
}

/** What may be deployed: the code's reading of the contract, and its versions. */
export const DEPLOYMENTS = {
  first: versionsOf([OLD]),
  /** Other code on the same version: other verdicts, other bytes. */
  strict: versionsOf([STRICT]),
  /** A compatible change of the contract. */
  widened: versionsOf([OLD, NEW]),
} satisfies Record<string, ContractVersions>
export type Deployment = keyof typeof DEPLOYMENTS

/** How some code judges a batch: what it rejects besides what is wrong for everybody. */
export interface Reading {
  readonly isStrict: boolean
  /** The version that raw names. */
  readonly version: string
}

export const PRODUCT = NEW.product
export const LAYOUT = { bucket: 'lake', region: 'us-east-1', product: PRODUCT }
export const DATABASE = 'weir'
export const STREAM_ARN = 'arn:aws:kinesis:us-east-1:000000000000:stream/tests'
export const JOURNAL_TABLE = 'journal'
export const SLOTS_TABLE = 'slots'
export const UNDECODABLE_KEY = 'undecodable-key'
export const IDENTITY_KEY = new Uint8Array(32).fill(7)

/** Windows of each kind; a run has a view of one of them. */
export const WINDOWS = {
  tumbling: { kind: 'tumbling', sizeSeconds: 600, offsetSeconds: 120 },
  sliding: { kind: 'sliding', sizeSeconds: 1200, slideSeconds: 600 },
  session: { kind: 'session', gapSeconds: 240 },
  running: { kind: 'running' },
} as const satisfies Record<string, WindowDefinition>
export type WindowKind = keyof typeof WINDOWS

export const VIEW_NAME = 'totals'

export type SlotSettings = Pick<ViewDefinition, 'subSlots' | 'updateSeconds'>

export function viewOf(kind: WindowKind, slots: SlotSettings = {}): ViewDefinition {
  return {
    ...slots,
    name: VIEW_NAME,
    description: 'Events and amounts per key and window.',
    key: 'key',
    window: WINDOWS[kind],
    aggregates: [
      { name: 'events', function: 'count' },
      { name: 'amount', function: 'sum', field: 'amount' },
    ],
    freshnessSeconds: 60,
  }
}
