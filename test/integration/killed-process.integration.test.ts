import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import { decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { digitsOf, START } from '#lib/domain/kernel/sequence-number.ts'
import type { CrashTask } from '#test/support/crashing-archive.ts'
import type { Fault } from '#test/support/faults.ts'
import { tripsContract } from '#test/support/memory-cell.ts'
import { createBucket, createTable } from '#test/support/tables.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { root, run } from '#test/support/weir.ts'

/** Six records; the killed process is given the first four. */
const records: readonly StreamRecord[] = [
  record(1, `[${tripText({ id: 'a' })},${tripText({ id: 'b', dropoff: '2019-01-04 10:00:00' })}]`),
  record(2, tripText({ id: 'a' })),
  record(3, tripText({ id: 'c', fare: '-5.00' })),
  record(4, Uint8Array.of(0xff, 0xfe, 0x00)),
  record(5, tripText({ id: 'd', fare: '0.10' })),
  record(6, tripText({ id: 'b', dropoff: '2019-01-04 10:00:00' })),
]
const RETRIES = {
  'the same batch': [
    [0, 4],
    [4, 6],
  ],
  'a shorter batch': [
    [0, 2],
    [2, 4],
    [4, 6],
  ],
  'a longer batch': [[0, 6]],
} as const
const CRASHES: readonly Fault[] = ['dies before', 'dies after']

/** Effects of one batch: registration, undecodable bytes, raw, two files, quarantine, verdicts, entry. */
const EFFECTS = 8

describe('a process of archive-events that is killed (SIGKILL) between two of its effects', () => {
  let stores: Awaited<ReturnType<typeof openStores>>
  beforeAll(async () => {
    stores = await openStores()
  })

  it('has the effects that are killed here', async () => {
    const outcome = await crash(stores, 'shard-complete', EFFECTS + 1, 'dies before')

    expect(outcome).toEqual({ exitCode: 0, stdout: String(EFFECTS), stderr: '' })
  })

  const cases = CRASHES.flatMap((fault) =>
    Array.from({ length: EFFECTS }, (_, i) => ({ fault, effect: i + 1 })),
  )
  it.each(cases)('$fault effect $effect: no retry changes a count', async ({ fault, effect }) => {
    const retries = Object.entries(RETRIES).map(async ([name, batches]) => {
      const shard = `shard-${fault}-${effect}-${name}`.replaceAll(' ', '-')
      const outcome = await crash(stores, shard, effect, fault)
      expect(outcome.exitCode, outcome.stderr).toBeNull()

      for (const [from, to] of batches) {
        await coldArchive(stores).take(shard, records.slice(from, to))
      }

      expect(await outcomeOf(stores, shard), name).toEqual({
        received: 7,
        admitted: 3,
        duplicate: 2,
        rejected: 2,
        raw: 7,
        curated: 3,
        chained: true,
      })
    })
    await Promise.all(retries)
  })
})

async function openStores() {
  const { client, bucket } = await createBucket()
  const table = await createTable()
  return {
    bucket,
    journalTable: table.tableName,
    journal: new DynamoDbJournal(table),
    objects: new S3ObjectStore({ client }),
    contract: await tripsContract(),
  }
}
type Stores = Awaited<ReturnType<typeof openStores>>

function coldArchive(stores: Stores): Archive {
  return new Archive({
    contracts: { current: stores.contract, byVersion: () => stores.contract },
    journal: stores.journal,
    objects: stores.objects,
    lineage: { parents: async () => new Map() },
    identify: keyedIdentity(new Uint8Array(32)),
    layout: { bucket: stores.bucket, region: 'us-east-1', product: 'trips' },
    undecodableKeyId: 'alias/aws/s3',
  })
}

async function crash(stores: Stores, shard: string, at: number, fault: Fault) {
  const task: CrashTask = {
    at,
    fault,
    shard,
    bucket: stores.bucket,
    journalTable: stores.journalTable,
    undecodableKeyId: 'alias/aws/s3',
    records: records.slice(0, 4).map((one) => ({
      digits: digitsOf(one.sequence),
      arrivalMicros: one.arrivalMicros,
      data: Buffer.from(one.data).toString('base64'),
    })),
  }
  return run(process.execPath, [
    join(root, 'test/support/crashing-archive.ts'),
    JSON.stringify(task),
  ])
}

async function outcomeOf({ bucket, journal, objects }: Stores, shard: string) {
  const found = { received: 0, admitted: 0, duplicate: 0, rejected: 0, raw: 0, curated: 0 }
  let chained = true
  let fence: string = START
  for (const entry of await journal.entriesAfter(shard, START, 100)) {
    chained &&= entry.prev === fence
    fence = entry.last
    found.received += entry.counts.received
    found.admitted += entry.counts.admitted
    found.duplicate += entry.counts.duplicate
    found.rejected += entry.counts.rejected
    if (entry.verdictsUri === undefined) continue
    const { files } = decodeVerdicts(entry.verdictsUri, await objects.get(entry.verdictsUri))
    found.curated += files.reduce((sum, file) => sum + Number(file.recordCount), 0)
  }
  for await (const { uri } of objects.list(`s3://${bucket}/raw/`)) {
    if (!uri.includes(`/${shard}-start`) && !uri.includes(`/${shard}-0`)) continue
    found.raw += decodeRawBatch(uri, await objects.get(uri)).events.length
  }
  return { ...found, chained }
}
