import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { createLedger } from '#lib/adapters/aws/ledger.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { commit, type Decide } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { BY_DAY, LOCATION, memoryLake, TRIPS, writeTrips } from '../../domain/lake/lake-fixture.ts'

const unique = randomUUID().replaceAll('-', '')
const location = `s3://commits-${unique}/trips`
const name = { database: `commits_${unique}`, name: 'trips' }
const pause = jitteredBackoff({ sleep: (ms) => sleep(ms), random: Math.random })

/** A lake with clients of its own, as each function instance has, and what they were billed for. */
function newLake() {
  const config = clientConfig({ region: 'us-east-1' })
  const [s3, glue] = [new S3Client(config), new GlueClient(config)]
  const ledger = createLedger()
  ledger.attach(s3)
  ledger.attach(glue)
  const lake: Lake = {
    objects: new S3ObjectStore({ client: s3 }),
    catalog: new GlueCatalog({ client: glue }),
    clock: { nowMs: () => Date.now() },
    ids: { uuid: randomUUID, snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n },
  }
  return { lake, ledger, s3, glue }
}

function pastFence(entries: readonly (readonly DataFile[])[], most: number): Decide {
  return (table) => {
    const done = Number(table.properties.fence ?? 0)
    const taken = entries.slice(done, done + most)
    if (taken.length === 0) return undefined
    return {
      files: taken.flat(),
      summary: {},
      setProperties: () => ({ fence: String(done + taken.length) }),
    }
  }
}

/** Files that no reader opens here: the commit path knows them only by description. */
async function describedFiles(prefix: string): Promise<readonly DataFile[]> {
  const files = await writeTrips(memoryLake(), prefix, 30)
  return files.map((file) => ({ ...file, path: file.path.replace(LOCATION, location) }))
}

beforeAll(async () => {
  const { lake, s3, glue } = newLake()
  await s3.send(new CreateBucketCommand({ Bucket: `commits-${unique}` }))
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name.database } }))
  const create = { name, location, schema: TRIPS, spec: BY_DAY }
  const tables = await Promise.all([1, 2, 3].map(() => createTableIfAbsent(lake, create)))
  expect(new Set(tables.map((table) => table.metadata['table-uuid'])).size).toBe(1)
})

describe('committing through S3 and Glue', () => {
  it('puts each file in exactly once while several committers race', async () => {
    const entries = await Promise.all(
      Array.from({ length: 12 }, (_, index) => describedFiles(`entry-${index}`)),
    )
    const drain = async (most: number) => {
      const { lake } = newLake()
      const options = { attempts: 50, pause }
      let tries = 0
      for (;;) {
        const { committed, attempts } = await commit(lake, name, pastFence(entries, most), options)
        tries += attempts
        if (!committed) return tries
      }
    }

    await Promise.all([drain(1), drain(2), drain(3)])

    const table = (await loadTable(newLake().lake, name))!
    const live = (await table.liveFiles()).map(({ path }) => path)
    expect(live.toSorted()).toEqual(
      entries
        .flat()
        .map(({ path }) => path)
        .toSorted(),
    )
    expect(table.properties.fence).toBe('12')
  })

  it('costs two Glue calls, two reads and three writes when nobody interferes', async () => {
    const { lake, ledger } = newLake()
    const files = await describedFiles('metered')

    await commit(lake, name, () => ({ files, summary: {}, setProperties: () => ({}) }))

    const calls = Object.entries(ledger.snapshot()).map(([operation, entry]) => [
      operation,
      entry.calls,
    ])
    expect(Object.fromEntries(calls)).toEqual({
      'Glue.GetTable': 1,
      'Glue.UpdateTable': 1,
      'S3.GetObject': 2,
      'S3.PutObject': 3,
    })
  })
})
