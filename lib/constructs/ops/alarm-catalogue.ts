import { Duration } from 'aws-cdk-lib'
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch'
import type { PublishMachine } from '#lib/constructs/features/publish-machine.ts'
import type { MaintenanceMachine } from './maintenance-machine.ts'
import {
  errors,
  invocations,
  iteratorAge,
  type ProductUnits,
  refusedReads,
} from './product-metrics.ts'

/** One way in which something is wrong, and where it is written what to do then. */
export interface AlarmDefinition {
  /** `<Stage>/<Unit>/<Symptom>`: the heading of its section in the runbook. */
  readonly name: string
  readonly meaning: string
  readonly metric: Metric
  readonly threshold: number
  readonly comparison: ComparisonOperator
  /** It rings when this many minutes in a row are bad. */
  readonly minutes: number
  /** What a minute without data says. */
  readonly missing: TreatMissingData
}

const ABOVE = {
  comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
  missing: TreatMissingData.NOT_BREACHING,
}

/**
 * Alarms of one product. Each costs money and attention, so none rings for what another one tells: errors and
 * throttles of the archive show as iterator age, since a batch is repeated until it succeeds.
 */
export function productAlarms(units: ProductUnits): readonly AlarmDefinition[] {
  return [
    {
      name: 'Ingest/ArchiveEvents/IteratorAge',
      meaning: 'Events wait in the stream: a shard is blocked or the archive is too slow.',
      metric: iteratorAge(units),
      threshold: (units.freshnessSeconds + 60) * 1000,
      minutes: 5,
      ...ABOVE,
    },
    {
      name: 'Ingest/Stream/ReadThroughputExceeded',
      meaning:
        'The stream refuses reads: someone else reads it, or a backlog is larger than its shards.',
      metric: refusedReads(units),
      threshold: 0,
      minutes: 15,
      ...ABOVE,
    },
    {
      name: 'Lake/CommitSnapshots/Errors',
      meaning: 'Batches are archived and not committed: the table falls behind.',
      metric: errors(units.commitSnapshots),
      threshold: 0,
      minutes: 5,
      ...ABOVE,
    },
    {
      name: 'Lake/Sweep/Silence',
      meaning:
        'Nobody rings the consumers of the journal: neither a new entry nor the sweep of each minute.',
      metric: invocations(units.commitSnapshots),
      threshold: 1,
      minutes: 5,
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      missing: TreatMissingData.BREACHING,
    },
    {
      name: 'Process/UpdateWindows/Errors',
      meaning: 'Batches are archived and not in the windows: features grow stale.',
      metric: errors(units.updateWindows),
      threshold: 0,
      minutes: 5,
      ...ABOVE,
    },
    {
      name: 'Process/FinalizeWindows/Errors',
      meaning: 'Windows are not closed: the feature tables in the lake fall behind.',
      metric: errors(units.finalizeWindows),
      threshold: 0,
      minutes: 5,
      ...ABOVE,
    },
    {
      name: 'Features/GetFeatures/Errors',
      meaning: 'Features are asked for and not answered.',
      metric: errors(units.getFeatures),
      threshold: 0,
      minutes: 3,
      ...ABOVE,
    },
  ]
}

/** Alarms of what all products of a cell share. */
export function cellAlarms({
  maintenance,
  publishing,
}: {
  readonly maintenance: Pick<MaintenanceMachine, 'failures'>
  readonly publishing: Pick<PublishMachine, 'failures'>
}): readonly AlarmDefinition[] {
  return [
    {
      name: 'Ops/Functions/Throttles',
      meaning: 'Functions of this account are refused in this region: its concurrency is used up.',
      // Without a dimension: over all functions, because they share the limit.
      metric: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'Throttles',
        statistic: 'sum',
        period: Duration.minutes(1),
      }),
      threshold: 0,
      minutes: 5,
      ...ABOVE,
    },
    {
      name: 'Lake/Maintenance/Failed',
      meaning:
        'A run over the tables of a product ended before it was done: small files and orphans add up.',
      metric: maintenance.failures(),
      threshold: 0,
      minutes: 1,
      ...ABOVE,
    },
    {
      name: 'Features/Publish/Failed',
      meaning:
        'The features of a product were not published: readers get what they got before, growing stale.',
      metric: publishing.failures(),
      threshold: 0,
      minutes: 1,
      ...ABOVE,
    },
  ]
}

/** Where the runbook says what to do: the anchor of the heading that is the alarm's name. */
export function runbookAnchor(name: string): string {
  const anchor = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return `docs/runbook.md#${anchor}`
}
