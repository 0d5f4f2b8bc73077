import type { KinesisStreamEvent } from 'aws-lambda'
import { makeHandler as archiveEvents } from '#functions/ingest/archive-events/handler.ts'
import { makeHandler as commitSnapshots } from '#functions/lake/commit-snapshots/handler.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { KinesisShardLineage } from '#lib/adapters/kinesis/shard-lineage.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { Clock, IdSource } from '#lib/domain/kernel/clock.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { RememberedMetadata } from '#lib/domain/lake/remembered-metadata.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import type { DynamoDbModel } from '../cloud/dynamodb.ts'
import type { Delivery } from '../cloud/event-source-mapping.ts'
import type { GlueModel } from '../cloud/glue.ts'
import type { KinesisModel } from '../cloud/kinesis.ts'
import type { Handler } from '../cloud/lambda.ts'
import type { Process } from '../cloud/process.ts'
import type { S3Model } from '../cloud/s3.ts'
import type { Choices } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { SentRecord } from './events.ts'
import {
  DATABASE,
  IDENTITY_KEY,
  JOURNAL_TABLE,
  LAYOUT,
  STREAM_ARN,
  UNDECODABLE_KEY,
} from './product.ts'

/** What the functions of a cell stand on. */
export interface Cloud {
  readonly scheduler: Scheduler
  readonly choices: Choices
  readonly s3: S3Model
  readonly dynamodb: DynamoDbModel
  readonly glue: GlueModel
  readonly stream: KinesisModel<SentRecord>
}

/** How much a function does at once: in a cell of a day's size nothing would ever be cut otherwise. */
export interface WorkLimits {
  /** Entries of a shard that are committed, applied or finalized together. */
  readonly entries: number
  /** Windows that become final together, and rows after which none is begun. */
  readonly windows: number
  readonly rows: number
}

const SILENT = { info: () => {}, error: () => {} }
const identify = keyedIdentity(IDENTITY_KEY)

/** The process's own clock. */
export function clockOf({ scheduler }: Cloud, process: Process): Clock {
  return { nowMs: () => scheduler.nowMs + process.clockSkewMs }
}

function idsOf({ choices }: Cloud, process: Process): IdSource {
  const random = choices.random(`ids ${process.name}`)
  const bits = (count: number) => BigInt(Math.floor(random() * 2 ** count))
  const hex = (bytes: number) =>
    bits(bytes * 8)
      .toString(16)
      .padStart(bytes * 2, '0')
  return {
    snapshotId: () => (bits(31) << 32n) | bits(32),
    uuid: () => `${hex(4)}-${hex(2)}-${hex(2)}-${hex(2)}-${hex(6)}`,
  }
}

export function objectsOf({ s3, scheduler, choices }: Cloud, process: Process): S3ObjectStore {
  const random = choices.random(`collisions ${process.name}`)
  const sleep = (ms: number) => scheduler.sleep(ms, process.name, 'after a collision')
  return new S3ObjectStore({
    client: s3.client(process),
    pause: jitteredBackoff({ sleep, random, firstMs: 20, mostMs: 1000 }),
  })
}

export function journalOf({ dynamodb }: Cloud, process: Process): DynamoDbJournal {
  return new DynamoDbJournal({ client: dynamodb.client(process), tableName: JOURNAL_TABLE })
}

export function lakeOf(cloud: Cloud, process: Process): Lake {
  return {
    objects: objectsOf(cloud, process),
    catalog: new GlueCatalog({ client: cloud.glue.client(process) }),
    clock: clockOf(cloud, process),
    ids: idsOf(cloud, process),
  }
}

/** `functions/ingest/archive-events`, as its `index.ts` wires it. */
export function archiveEventsOf(
  cloud: Cloud,
  contracts: ContractVersions,
  process: Process,
): Handler<Delivery<SentRecord>, unknown> {
  const handler = archiveEvents({
    log: SILENT,
    archive: new Archive({
      contracts,
      journal: journalOf(cloud, process),
      objects: objectsOf(cloud, process),
      lineage: new KinesisShardLineage({
        client: cloud.stream.client(process),
        streamArn: STREAM_ARN,
      }),
      identify,
      layout: LAYOUT,
      undecodableKeyId: UNDECODABLE_KEY,
    }),
  })
  return (delivery) => handler(kinesisEvent(delivery))
}

function kinesisEvent({ shard, records }: Delivery<SentRecord>): KinesisStreamEvent {
  return {
    Records: records.map(({ digits, arrivalMs, data }) => ({
      eventID: `${shard}:${digits}`,
      kinesis: {
        sequenceNumber: digits,
        approximateArrivalTimestamp: arrivalMs / 1000,
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
      },
    })),
  } as unknown as KinesisStreamEvent
}

/** `functions/lake/commit-snapshots`, as its `index.ts` wires it. */
export function commitSnapshotsOf(
  cloud: Cloud,
  contracts: ContractVersions,
  process: Process,
  limits?: WorkLimits,
): Handler<unknown, unknown> {
  const sleep = (ms: number) => cloud.scheduler.sleep(ms, process.name, 'after a conflict')
  const random = cloud.choices.random(`backoff ${process.name}`)
  return commitSnapshots({
    log: SILENT,
    lake: { ...lakeOf(cloud, process), objects: new RememberedMetadata(objectsOf(cloud, process)) },
    journal: journalOf(cloud, process),
    contracts,
    layout: LAYOUT,
    database: DATABASE,
    commit: { pause: jitteredBackoff({ sleep, random }) },
    ...(limits && { maxEntriesPerShard: limits.entries }),
  })
}
