import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { beforeAll, describe, expect, it } from 'vitest'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import { decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import type { Fault } from '#test/support/faults.ts'
import {
  type CrashTask,
  type RealStores,
  realProduct,
  recordText,
} from '#test/support/real-product.ts'
import { storedCount } from '#test/support/stored-states.ts'
import { createBucket, createTable, testConfig } from '#test/support/tables.ts'
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

/** Registration, undecodable bytes, raw, two files, quarantine, verdicts, journal entry. */
const ARCHIVE_EFFECTS = 8
/** Table: metadata, catalog entry. Commit: manifest, manifest list, metadata, swap. */
const COMMIT_EFFECTS = 6
/** Two slots, cursor. */
const UPDATE_EFFECTS = 3

function killsOf(effects: number) {
  const at = Array.from({ length: effects }, (_, i) => i + 1)
  return CRASHES.flatMap((fault) => at.map((effect) => ({ fault, effect })))
}

let shared: RealStores
beforeAll(async () => {
  shared = await openStores()
})

describe('a process of archive-events that is killed (SIGKILL) at one of its effects', () => {
  it('has the effects that are killed here', async () => {
    const outcome = await crash(archiveTask('shard-whole', ARCHIVE_EFFECTS + 1, 'dies before'))

    expect(outcome).toEqual({ exitCode: 0, stdout: String(ARCHIVE_EFFECTS), stderr: '' })
  })

  it.each(killsOf(ARCHIVE_EFFECTS))(
    '$fault effect $effect: no retry changes a count',
    async ({ fault, effect }) => {
      const retries = Object.entries(RETRIES).map(async ([name, batches]) => {
        const shard = `shard-${fault}-${effect}-${name}`.replaceAll(' ', '-')
        const outcome = await crash(archiveTask(shard, effect, fault))
        expect(outcome.exitCode, outcome.stderr).toBeNull()

        for (const [from, to] of batches) {
          const cold = await realProduct(shared, 'trips')
          await cold.archive().take(shard, records.slice(from, to))
        }

        expect(await archived(shared, shard), name).toEqual({
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
    },
  )
})

describe('a process of commit-snapshots that is killed at one of its effects', () => {
  let stores: RealStores
  beforeAll(async () => {
    stores = await openStores()
    await (await realProduct(stores, 'trips')).archive().take('shard', records)
  })

  it('has the effects that are killed here', async () => {
    const task = bellTask('commit-snapshots', stores, 'whole', COMMIT_EFFECTS + 1, 'dies before')

    expect(await crash(task)).toEqual({ exitCode: 0, stdout: String(COMMIT_EFFECTS), stderr: '' })
  })

  it.each(killsOf(COMMIT_EFFECTS))(
    '$fault effect $effect: every row is in the table once',
    async ({ fault, effect }) => {
      // A table of its own over the same journal.
      const name = `t_${fault}_${effect}`.replaceAll(' ', '_')
      const outcome = await crash(bellTask('commit-snapshots', stores, name, effect, fault))
      expect(outcome.exitCode, outcome.stderr).toBeNull()

      const cold = await realProduct(stores, name)
      await cold.commit()
      await cold.commit()

      const table = await loadTable(cold.lake, { database: stores.database, name })
      const files = await table!.liveFiles()
      expect(new Set(files.map((file) => file.path)).size).toBe(files.length)
      expect(files.reduce((sum, file) => sum + Number(file.recordCount), 0)).toBe(3)
      expect(table!.snapshots).toHaveLength(1)
    },
  )
})

describe('a process of update-windows that is killed at one of its effects', () => {
  it.each(killsOf(UPDATE_EFFECTS))(
    '$fault effect $effect: every trip counts once',
    async ({ fault, effect }) => {
      const stores = await openStores()
      await (await realProduct(stores, 'trips')).archive().take('shard', records.slice(0, 4))
      const outcome = await crash(bellTask('update-windows', stores, 'trips', effect, fault))
      expect(outcome.exitCode, outcome.stderr).toBeNull()

      const cold = await realProduct(stores, 'trips')
      await cold.archive().take('shard', records)
      await cold.update()
      await cold.update()

      const counts = await Promise.all(
        ['2019-01-03T14:00:00Z', '2019-01-04T15:00:00Z'].map(async (start) => {
          const slots = await cold.slots.newestPane('zone-fares', '236', Date.parse(start) * 1000)
          return slots.map((slot) => storedCount(slot.states.trip_count))
        }),
      )
      expect(counts).toEqual([[2], [1]])
    },
  )
})

async function openStores(): Promise<RealStores> {
  const [{ bucket }, journal, slots] = await Promise.all([
    createBucket(),
    createTable(),
    createTable(),
  ])
  const database = `test_${randomUUID().replaceAll('-', '')}`
  await new GlueClient(testConfig()).send(
    new CreateDatabaseCommand({ DatabaseInput: { Name: database } }),
  )
  return {
    bucket,
    journalTable: journal.tableName,
    slotsTable: slots.tableName,
    database,
    undecodableKeyId: 'alias/aws/s3',
  }
}

function archiveTask(shard: string, at: number, fault: Fault): CrashTask {
  const given = records.slice(0, 4).map(recordText)
  const task = { function: 'archive-events', shard, records: given } as const
  return { at, fault, stores: shared, product: 'trips', run: task }
}

function bellTask(
  name: 'commit-snapshots' | 'update-windows',
  stores: RealStores,
  product: string,
  at: number,
  fault: Fault,
): CrashTask {
  return { at, fault, stores, product, run: { function: name } }
}

async function crash(task: CrashTask) {
  const script = join(root, 'test/support/crashing-process.ts')
  return run(process.execPath, [script, JSON.stringify(task)])
}

/** What the stores hold of a shard. */
async function archived(stores: RealStores, shard: string) {
  const { journal, objects } = await realProduct(stores, 'trips')
  const found = { received: 0, admitted: 0, duplicate: 0, rejected: 0, raw: 0, curated: 0 }
  let chained = true
  let fence: string = START
  for (const entry of await journal.entriesAfter(shard, START, 100)) {
    chained &&= entry.prev === fence
    fence = entry.last
    for (const name of ['received', 'admitted', 'duplicate', 'rejected'] as const) {
      found[name] += entry.counts[name]
    }
    if (entry.verdictsUri === undefined) continue
    const { files } = decodeVerdicts(entry.verdictsUri, await objects.get(entry.verdictsUri))
    found.curated += files.reduce((sum, file) => sum + Number(file.recordCount), 0)
  }
  const prefixes = [`/${shard}-start.`, `/${shard}-0`]
  for await (const { uri } of objects.list(`s3://${stores.bucket}/raw/`)) {
    if (!prefixes.some((prefix) => uri.includes(prefix))) continue
    found.raw += decodeRawBatch(uri, await objects.get(uri)).events.length
  }
  return { ...found, chained }
}
