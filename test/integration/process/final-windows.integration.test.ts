import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { expect, it } from 'vitest'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { finalizeWindows } from '#lib/domain/process/finalize-windows.ts'
import { updateWindows } from '#lib/domain/process/update-windows.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { eventContract, eventRecord, type TestEvent } from '#test/support/event-product.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { LONE_SHARDS } from '#test/support/lone-shards.ts'
import { createBucket, createTable, testConfig } from '#test/support/tables.ts'

const SECOND = 1_000_000
const NOON = Date.UTC(2026, 2, 1, 12) * 1000
const VIEW: ViewDefinition = {
  name: 'amounts',
  description: 'Amounts per key and ten seconds.',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 10 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'total', function: 'sum', field: 'amount' },
  ],
  freshnessSeconds: 60,
}

it('final rows are read by PyIceberg and DuckDB, also after an idle shard revised one', async () => {
  const { client: s3, bucket } = await createBucket()
  const glue = new GlueClient(testConfig())
  const database = `final_${randomUUID().replaceAll('-', '')}`
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
  const contract = eventContract({ allowedLatenessSeconds: 5, outOfOrdernessSeconds: 0 })
  const objects = new S3ObjectStore({ client: s3 })
  const parts = {
    contracts: versionsOf([contract]),
    views: [VIEW],
    journal: new MemoryJournal(),
    objects,
    slots: new DynamoDbSlotStore(await createTable()),
    clock: systemClock,
    layout: { bucket, region: 'us-east-1', product: contract.product },
  }
  const archive = new Archive({
    ...parts,
    lineage: LONE_SHARDS,
    identify: keyedIdentity(new Uint8Array(32)),
    undecodableKeyId: 'none',
  })
  let sequence = 0
  const send = async (shard: string, ...events: readonly Omit<TestEvent, 'id'>[]) => {
    const identified = events.map((event, i) => ({ ...event, id: `${sequence}-${i}` }))
    const record = eventRecord(++sequence, NOON + 60 * SECOND, contract.eventType, identified)
    await archive.take(shard, [record])
    await updateWindows(parts)
  }
  const lake = {
    objects,
    catalog: new GlueCatalog({ client: glue }),
    clock: systemClock,
    ids: systemIds,
  }
  const stream = {
    parents: async () =>
      new Map([
        ['a', []],
        ['b', []],
      ]),
    isIdle: async () => true,
  }
  const finalize = () => finalizeWindows({ ...parts, lake, stream, database })
  const at = (seconds: number) => NOON + seconds * SECOND

  await send('a', { key: 'x', time: at(1), amount: 100 }, { key: 'y', time: at(2), amount: 250 })
  await send('a', { key: 'x', time: at(30), amount: 1 })
  expect(await finalize()).toMatchObject({ commits: 1, rows: 2, revised: 0 })
  expect(await finalize()).toMatchObject({ commits: 0 })
  await send('b', { key: 'x', time: at(9), amount: 5 })
  expect(await finalize()).toMatchObject({ commits: 1, revised: 1, unrevised: 0 })

  const readers = await IcebergReaders.start()
  try {
    const { pyiceberg, duckdb } = await readers.read({
      database,
      name: 'tests_amounts',
      columns: ['total'],
      sums: ['total', 'events', 'revision'],
      extremes: ['window_start'],
      where: "window_end <= TIMESTAMPTZ '2026-03-01 12:00:10+00'",
      rowFilter: "window_end <= '2026-03-01T12:00:10+00:00'",
    })

    expect(pyiceberg).toMatchObject({
      rows: 2,
      total_sum: '3.55',
      events_sum: '3',
      revision_sum: '1',
      filtered_rows: 2,
    })
    expect(duckdb).toEqual(pyiceberg)
  } finally {
    readers.stop()
  }
}, 60_000)
