import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { digitsOf, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commitSnapshots } from '#lib/domain/lake/commit-snapshots.ts'
import { updateWindows } from '#lib/domain/process/update-windows.ts'
import { views } from '#products/trips/features.ts'
import { type Fault, FaultyProcess } from './faults.ts'
import { LONE_SHARDS } from './lone-shards.ts'
import { tripsContract } from './memory-cell.ts'
import { testConfig } from './tables.ts'

/** Names of stores in the running local cloud. */
export interface RealStores {
  readonly bucket: string
  readonly journalTable: string
  readonly slotsTable: string
  readonly database: string
  readonly undecodableKeyId: string
}

/** A record as JSON can carry it to another process. */
export interface RecordText {
  readonly digits: string
  readonly arrivalMicros: number
  readonly data: string
}

export interface CrashTask {
  readonly at: number
  readonly fault: Fault
  readonly stores: RealStores
  readonly product: string
  readonly run:
    | {
        readonly function: 'archive-events'
        readonly shard: string
        readonly records: readonly RecordText[]
      }
    | { readonly function: 'commit-snapshots' | 'update-windows' }
}

export interface PlannedFault {
  readonly at: number
  readonly fault: Fault
  readonly die?: () => void
}

/**
 * The functions of one product on real stores, as their handlers wire them, in a process that meets the planned
 * fault. `name` sets the table apart from those of other cases.
 */
export async function realProduct(stores: RealStores, name: string, planned?: PlannedFault) {
  const config = testConfig()
  const dynamodb = new DynamoDBClient(config)
  const process = planned
    ? new FaultyProcess(planned.at, planned.fault, planned.die)
    : new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')
  const contracts = versionsOf([{ ...(await tripsContract()), product: name }])
  const plainObjects = new S3ObjectStore({ client: new S3Client(config) })
  const plainJournal = new DynamoDbJournal({ client: dynamodb, tableName: stores.journalTable })
  const plainSlots = new DynamoDbSlotStore({ client: dynamodb, tableName: stores.slotsTable })
  const catalog = new GlueCatalog({ client: new GlueClient(config) })
  const objects = process.objects(plainObjects)
  const journal = process.journal(plainJournal)
  const layout = { bucket: stores.bucket, region: 'us-east-1', product: name }
  const lake = { objects, catalog, clock: systemClock, ids: systemIds }
  const lost = () => new PlatformError('lake.commitStateUnknown', 'lost', { retryable: true })
  return {
    process,
    objects: plainObjects,
    journal: plainJournal,
    lake: { ...lake, objects: plainObjects },
    slots: plainSlots,
    recordOf: (text: RecordText): StreamRecord => ({
      sequence: sequenceNumber(text.digits),
      arrivalMicros: text.arrivalMicros,
      data: Buffer.from(text.data, 'base64'),
    }),
    archive: () =>
      new Archive({
        contracts,
        journal,
        objects,
        lineage: LONE_SHARDS,
        identify: keyedIdentity(new Uint8Array(32)),
        layout,
        undecodableKeyId: stores.undecodableKeyId,
      }),
    commit: () =>
      commitSnapshots({
        lake: { ...lake, catalog: process.catalog(catalog, lost) },
        journal,
        contracts,
        layout,
        database: stores.database,
      }),
    update: () =>
      updateWindows({
        contracts,
        views,
        journal,
        objects,
        slots: process.slots(plainSlots),
        clock: systemClock,
        layout,
      }),
  }
}

export function recordText(record: StreamRecord): RecordText {
  return {
    digits: digitsOf(record.sequence),
    arrivalMicros: record.arrivalMicros,
    data: Buffer.from(record.data).toString('base64'),
  }
}
