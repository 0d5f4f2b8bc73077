import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { PlacedRule } from './compare-rules.ts'
import type { Contract } from './contract.ts'
import type { ChangeKind, ContractChange } from './contract-change.ts'
import type { DocumentPath } from './document-node.ts'
import { placeOfCustom, placeOfItem, SCHEMA } from './document-places.ts'
import { majorOf } from './version.ts'
import type { WeirPropertyName } from './weir-properties.ts'

/** One version of a contract and its document. */
export interface DocumentedContract {
  readonly contract: Contract
  readonly document: JsonValue
}

/** One thing that a contract says as a whole. */
interface Term {
  readonly name: string
  readonly of: (contract: Contract) => string | number
  /** How people read it, where that is not what is compared. */
  readonly shown?: (contract: Contract) => string
  readonly place: (document: JsonValue) => DocumentPath
  /** What a change of it is. */
  readonly kind: ChangeKind | ((was: number, is: number) => ChangeKind)
}

const TERMS: readonly Term[] = [
  {
    name: 'dataProduct',
    of: (contract) => contract.product,
    place: () => ['dataProduct'],
    kind: 'productChanged',
  },
  property('weir.eventType', (contract) => contract.eventType, 'eventTypeChanged'),
  fieldName('weir.eventTime', (contract) => contract.eventTime, 'eventTimeChanged'),
  fieldName('weir.partitionKey', (contract) => contract.partitionKey, 'partitionKeyChanged'),
  property(
    'weir.dedupHorizonMinutes',
    (contract) => contract.dedupHorizonMinutes,
    (was, is) => (is < was ? 'dedupHorizonShortened' : 'dedupHorizonLengthened'),
  ),
  property('weir.subject', ({ subject = 'nobody' }) => subject, 'subjectChanged'),
  property('weir.cdc', ({ changes }) => changes?.format ?? 'no changes', 'changesChanged'),
  property(
    'weir.cdcPosition',
    ({ changes }) => changes?.position.join(', ') ?? '',
    'changePositionChanged',
  ),
  {
    name: 'primaryKey',
    of: ({ changes }) => changes?.key.join(', ') ?? '',
    place: () => [...SCHEMA, 'properties'],
    kind: 'rowKeyChanged',
  },
  property('weir.spread', (contract) => contract.spread, 'spreadChanged'),
  property('weir.purposes', ({ purposes }) => purposes?.join(', ') ?? 'none'),
  property('weir.residency', ({ residency }) => residency?.join(', ') ?? 'anywhere'),
  property(
    'weir.allowedLatenessSeconds',
    ({ allowedLatenessSeconds }) => allowedLatenessSeconds ?? 'for ever',
  ),
  property(
    'weir.undeclaredMajor',
    ({ undeclaredMajor, version }) => undeclaredMajor ?? majorOf(version),
    'undeclaredMajorChanged',
  ),
  property('weir.maxFutureSkewMinutes', (contract) => contract.maxFutureSkewMinutes),
  property('weir.outOfOrdernessSeconds', (contract) => contract.outOfOrdernessSeconds),
  property('weir.stateRetentionDays', (contract) => contract.stateRetentionDays),
  property('weir.backfillApprovalCents', ({ backfillApprovalCents }) => backfillApprovalCents),
  property('weir.maintenance', ({ maintenance }) => maintenance.schedule),
  property('weir.targetFileSizeMb', ({ maintenance }) => maintenance.targetFileSizeMb),
  property(
    'weir.keepSnapshots',
    ({ maintenance }) => maintenance.keepSnapshots ?? 'as the table says',
  ),
  property(
    'weir.keepSnapshotsHours',
    ({ maintenance }) => maintenance.keepSnapshotsHours ?? 'as the table says',
  ),
  property('weir.tier', (contract) => contract.tier),
  property('weir.costCenter', (contract) => contract.costCenter),
  property('weir.dataClassification', (contract) => contract.dataClassification),
  property('weir.shards', (contract) => contract.stream.shards),
  property('weir.streamRetentionHours', (contract) => contract.stream.retentionHours),
  property('weir.rawRetentionDays', (contract) => contract.retention.rawDays),
  property('weir.rawColdAfterDays', ({ retention }) => retention.rawCold?.afterDays ?? 'never'),
  property('weir.rawColdClass', ({ retention }) => retention.rawCold?.to ?? 'none'),
  property('weir.rawLockDays', ({ retention }) => retention.rawLockDays ?? 'no lock'),
  property('weir.quarantineRetentionDays', (contract) => contract.retention.quarantineDays),
  property('weir.undecodableRetentionDays', (contract) => contract.retention.undecodableDays),
  {
    name: 'latency',
    of: (contract) => `${contract.stream.freshnessSeconds} s`,
    place: (document) =>
      placeOfItem(document, ['slaProperties'], (item) => item.property === 'latency'),
    kind: 'termsChanged',
  },
  {
    name: 'owner',
    of: (contract) => contract.owner,
    place: () => ['team', 'name'],
    kind: 'termsChanged',
  },
  {
    name: 'domain',
    of: (contract) => contract.domain,
    place: () => ['domain'],
    kind: 'termsChanged',
  },
]

/** The differences between what two versions say of the product as a whole. */
export function compareTerms(
  before: DocumentedContract,
  after: DocumentedContract,
): ContractChange[] {
  const changes = TERMS.flatMap((term): ContractChange[] => {
    const [was, is] = [term.of(before.contract), term.of(after.contract)]
    if (was === is) return []
    const kind = typeof term.kind === 'string' ? term.kind : term.kind(Number(was), Number(is))
    const shown = term.shown ?? term.of
    const message = `${term.name} ${shown(after.contract)} was ${shown(before.contract)}`
    const [at, now] = [term.place(before.document), term.place(after.document)]
    return [{ kind, message, before: at, after: now }]
  })
  return [...changes, ...partitioningChange(before, after)]
}

/** Row rules with their places. */
export function placedRules({ contract, document }: DocumentedContract): PlacedRule[] {
  return contract.rowRules.map((rule) => ({
    rule,
    path: [
      ...placeOfItem(
        document,
        [...SCHEMA, 'quality'],
        (item) => item.engine === 'weir' && item.name === rule.name,
      ),
      'implementation',
    ],
  }))
}

function property(
  name: WeirPropertyName,
  of: Term['of'],
  kind: Term['kind'] = 'termsChanged',
): Term {
  return { name, of, kind, place: (document) => placeOfCustom(document, [], name) }
}

/** Compared by the field's id: that the field was renamed is told once, as that. */
function fieldName(
  name: WeirPropertyName,
  shown: (contract: Contract) => string,
  kind: ChangeKind,
): Term {
  const of = (contract: Contract) =>
    contract.fields.find((field) => field.name === shown(contract))?.id ?? shown(contract)
  return { ...property(name, of, kind), shown }
}

/** Which fields part the table, in their order, and with which values. */
function partitioningChange(
  before: DocumentedContract,
  after: DocumentedContract,
): ContractChange[] {
  const [was, is] = [partitioningText(before.contract), partitioningText(after.contract)]
  if (was === is) return []
  const message = `the table is partitioned by ${is || 'nothing'}, was by ${was || 'nothing'}`
  const place: DocumentPath = [...SCHEMA, 'properties']
  return [{ kind: 'partitioningChanged', message, before: place, after: place }]
}

function partitioningText({ fields, partitioning }: Contract): string {
  const parts = partitioning.map(({ field: name, transform }) => {
    const { id, type } = fields.find((field) => field.name === name)!
    // A day is a day; but whole values change their form with the type, even with a wider one.
    return transform === 'day' ? `day of field ${id}` : `field ${id} (${JSON.stringify(type)})`
  })
  return parts.join(', ')
}
