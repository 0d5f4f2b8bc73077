import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { GlueClient } from '@aws-sdk/client-glue'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import { S3Client } from '@aws-sdk/client-s3'
import type { BilledUnits } from '#lib/adapters/aws/billed-units.ts'
import { createLedger, type LedgerSnapshot } from '#lib/adapters/aws/ledger.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { KinesisRecordSink } from '#lib/adapters/kinesis/kinesis-record-sink.ts'
import { MemoryShardLineage } from '#lib/adapters/memory/memory-shard-lineage.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import { Producer } from '#lib/domain/ingest/producer.ts'
import type { OutgoingRecord, RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commitSnapshots } from '#lib/domain/lake/commit-snapshots.ts'
import { RememberedMetadata } from '#lib/domain/lake/remembered-metadata.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { updateWindows } from '#lib/domain/process/update-windows.ts'
import { views } from '#products/trips/features.ts'
import { type FunctionName, Invocations, type InvocationTotals } from './invocations.ts'
import { StreamMapping, shardOf } from './stream-mapping.ts'
import { VirtualTime } from './virtual-time.ts'
import { EVENT_BYTES, liveTrips } from './workload.ts'

export interface LakeRunSettings {
  readonly contract: Contract
  /** Events that are counted, after a while of warming up. */
  readonly events: number
  readonly eventsPerSecondAndShard: number
  readonly shards: number
  /** The contract's freshness: how long a batch gathers in front of the archive. */
  readonly freshnessMs: number
  /** How long an event waits for company in the producer. */
  readonly lingerMs: number
  /** Whether the product has features: update-windows runs too. */
  readonly features: boolean
  /** Where the clients send their calls. */
  readonly clientConfig: object
  readonly places: LakePlaces
  /** For planting stores that call more than they should. */
  readonly wrapObjects?: (objects: ObjectStore) => ObjectStore
  readonly wrapJournal?: (journal: Journal) => Journal
}

/** Names of stores that exist. */
export interface LakePlaces {
  readonly streamName: string
  readonly bucket: string
  readonly journalTable: string
  readonly slotsTable: string
  readonly database: string
  readonly undecodableKeyId: string
}

export interface LakeRun {
  readonly events: number
  /** With those of warming up. */
  readonly eventsInAll: number
  /** Virtual seconds that the counted events took. */
  readonly seconds: number
  readonly eventBytes: number
  readonly streamBytes: number
  readonly streamRecords: number
  readonly calls: LedgerSnapshot
  readonly units: BilledUnits
  readonly invocations: Readonly<Record<FunctionName, InvocationTotals>>
  /** What the sweep of each minute costs besides, when it finds nothing to do. */
  readonly idleSweep: { readonly units: BilledUnits; readonly invocations: number }
  /** Whether the table holds every event that was sent, once. */
  readonly isComplete: boolean
}

const START_MS = Date.UTC(2026, 0, 15, 15)
const MOST_WARM_UP_MS = 30_000
/** As in the constructs: how long the journal's bell gathers. */
const BELL_MS = 1_000

/**
 * The lake path of one product under a steady load, in virtual time: the producer, the archive behind its mapping, the
 * commit behind its bell and the sweep, as they are, on real SDK clients whose every try is counted.
 */
export async function runLake(settings: LakeRunSettings): Promise<LakeRun> {
  const { contract, places, features } = settings
  const ledger = createLedger()
  const counted = <Client extends Parameters<typeof ledger.attach>[0]>(client: Client): Client => {
    ledger.attach(client)
    return client
  }
  const config = settings.clientConfig
  const time = new VirtualTime(START_MS)
  const invocations = new Invocations(ledger)
  const dynamoDb = counted(new DynamoDBClient(config))
  const s3 = new S3ObjectStore({ client: counted(new S3Client(config)) })
  const objects = settings.wrapObjects?.(s3) ?? s3
  const inDynamoDb = new DynamoDbJournal({ client: dynamoDb, tableName: places.journalTable })
  const journal = settings.wrapJournal?.(inDynamoDb) ?? inDynamoDb
  const layout = { bucket: places.bucket, region: 'us-east-1', product: contract.product }
  const catalog = new GlueCatalog({ client: counted(new GlueClient(config)) })
  // A committer that stays warm, as it does under load.
  const lake = {
    objects: new RememberedMetadata(objects),
    catalog,
    clock: time,
    ids: countingIds(),
  }
  const contracts = versionsOf([contract])
  const shards = Array.from(
    { length: settings.shards },
    (_, shard) => `shardId-${String(shard).padStart(12, '0')}`,
  )
  const archive = new Archive({
    contracts,
    journal,
    objects,
    lineage: new MemoryShardLineage(shards.map((shard) => [shard, []])),
    identify: keyedIdentity(new Uint8Array(32)),
    layout,
    undecodableKeyId: places.undecodableKeyId,
  })
  const slots = new DynamoDbSlotStore({ client: dynamoDb, tableName: places.slotsTable })

  const commit = () =>
    invocations.run('commit-snapshots', async () => {
      await commitSnapshots({ lake, journal, contracts, layout, database: places.database })
    })
  const update = () =>
    invocations.run('update-windows', async () => {
      await updateWindows({ contracts, views, journal, objects, slots, clock: time, layout })
    })
  let isRinging = false
  const ring = () => {
    if (features) time.after(0, update)
    if (isRinging) return
    isRinging = true
    time.after(BELL_MS, async () => {
      isRinging = false
      await commit()
    })
  }
  const mappings = shards.map((name) => {
    return new StreamMapping(time, settings.freshnessMs, async (records) => {
      // The payload is base64 text: taking it apart is work of the function.
      const payload = records.map((one) => Buffer.from(one.data).toString('base64'))
      await invocations.run('archive-events', async () => {
        const data = payload.map((text) => Buffer.from(text, 'base64'))
        await archive.take(
          name,
          records.map((one, i) => ({ ...one, data: data[i]! })),
        )
      })
      ring()
    })
  })
  const stream = new CountedStream(
    new KinesisRecordSink({
      client: counted(new KinesisClient(config)),
      streamName: places.streamName,
    }),
    time,
    (record, hashKey) => mappings[shardOf(hashKey, settings.shards)]!.take(record),
  )
  const producer = new Producer({
    sink: stream,
    sleep: (ms) => time.sleep(ms),
    random: seededRandom(2),
    lingerMs: settings.lingerMs,
  })

  const nextTrip = liveTrips(1)
  const perMs = (settings.eventsPerSecondAndShard * settings.shards) / 1000
  let sent = 0
  const send = async (events: number) => {
    for (const until = sent + events; sent < until; sent++) {
      await time.advanceTo(START_MS + sent / perMs)
      await producer.send(nextTrip(time.nowMs()))
    }
  }
  // Registrations, the table and the first batches come once in a product's life. A batch that gathers for longer is cut
  // by its size before.
  const warmUpMs = Math.min(MOST_WARM_UP_MS, 2 * (settings.freshnessMs + settings.lingerMs))
  await send(Math.ceil(warmUpMs * perMs))
  const warm = sent
  const warmMs = time.nowMs()
  ledger.reset()
  invocations.reset()
  stream.reset()
  await send(settings.events)
  const result = {
    events: sent - warm,
    seconds: (time.nowMs() - warmMs) / 1000,
    eventBytes: (sent - warm) * EVENT_BYTES,
    streamBytes: stream.bytes,
    streamRecords: stream.records,
    calls: ledger.snapshot(),
    units: ledger.units(),
    invocations: invocations.totals(),
  }

  await drain(producer, time, settings)
  ledger.reset()
  invocations.reset()
  await commit()
  if (features) await update()
  const idleSweep = { units: ledger.units(), invocations: features ? 2 : 1 }
  const table = await loadTable(lake, { database: places.database, name: contract.product })
  const rows = Number(table?.currentSnapshot?.summary['total-records'] ?? 0)
  return { ...result, eventsInAll: sent, idleSweep, isComplete: rows === sent }
}

/** Lets everything that is still on its way arrive. */
async function drain(producer: Producer, time: VirtualTime, settings: LakeRunSettings) {
  const closing = producer.close()
  for (let i = 0; i < 4; i++) {
    await time.advanceTo(time.nowMs() + settings.freshnessMs + settings.lingerMs + BELL_MS)
  }
  await closing
}

/** A stream that hands what it accepted to the mapping behind it. */
class CountedStream implements RecordSink {
  readonly limits: RecordSink['limits']
  bytes = 0
  records = 0
  readonly #stream: RecordSink
  readonly #time: VirtualTime
  readonly #deliver: (record: StreamRecord, hashKey: string) => Promise<void>
  #position = 0

  constructor(
    stream: RecordSink,
    time: VirtualTime,
    deliver: (record: StreamRecord, hashKey: string) => Promise<void>,
  ) {
    this.limits = stream.limits
    this.#stream = stream
    this.#time = time
    this.#deliver = deliver
  }

  reset(): void {
    this.bytes = 0
    this.records = 0
  }

  put(records: readonly OutgoingRecord[]) {
    return this.#time.during(async () => {
      const outcomes = await this.#stream.put(records)
      for (const { data, partitionKey, hashKey } of records) {
        this.bytes += data.byteLength + partitionKey.length
        this.records += 1
        this.#position += 1
        const sequence = sequenceNumber(String(49_000_000_000_000_000n + BigInt(this.#position)))
        const arrivalMicros = Math.floor(this.#time.nowMs()) * 1000
        await this.#deliver({ sequence, arrivalMicros, data }, hashKey)
      }
      return outcomes
    })
  }
}

/** Ids of equal length, the same each time: sizes must not depend on chance. */
function countingIds() {
  let count = 0n
  return {
    snapshotId: () => 5_000_000_000_000_000_000n + ++count,
    uuid: () => `00000000-0000-4000-8000-${String(++count).padStart(12, '0')}`,
  }
}
