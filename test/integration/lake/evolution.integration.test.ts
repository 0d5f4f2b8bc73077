import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GetTableCommand, GlueClient } from '@aws-sdk/client-glue'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { commitSnapshots } from '#lib/domain/lake/commit-snapshots.ts'
import { type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { LONE_SHARDS } from '#test/support/lone-shards.ts'
import { createBucket, testConfig } from '#test/support/tables.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { tripsVersions } from '#test/support/trips-versions.ts'

const [V1, V11, V2] = tripsVersions()
const SHARD = 'shardId-000000000000'

let lake: Lake
let glue: GlueClient
let database: string
let readers: IcebergReaders
let send: (versions: readonly Contract[], ...texts: readonly string[]) => Promise<void>

const wide = (text: string) =>
  text.replace('"vendor_id":1,', '"vendor_id":5000000000,"airport_fee":1.25,')
const old = (text: string) => text.replace('{', '{"dataschema":"urn:weir:trips:1.0",')
const young = (text: string) =>
  text.replace('{', '{"dataschema":"urn:weir:trips:2.0.0",').replace('fare_amount', 'fare')

beforeAll(async () => {
  const { client: s3, bucket } = await createBucket()
  glue = new GlueClient(testConfig())
  database = `evolution_${randomUUID().replaceAll('-', '')}`
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
  const objects = new S3ObjectStore({ client: s3 as S3Client })
  lake = { objects, catalog: new GlueCatalog({ client: glue }), clock: systemClock, ids: systemIds }
  const journal = new MemoryJournal()
  const layout = { bucket, region: 'us-east-1', product: 'trips' }
  let sequence = 0
  send = async (versions, ...texts) => {
    const contracts = versionsOf(versions)
    const archive = new Archive({
      contracts,
      journal,
      objects,
      lineage: LONE_SHARDS,
      identify: keyedIdentity(new Uint8Array(32)),
      layout,
      undecodableKeyId: 'none',
    })
    await archive.take(SHARD, [record(++sequence, `[${texts.join(',')}]`)])
    await commitSnapshots({ lake, journal, contracts, layout, database })
  }
  await send([V1], tripText({ id: 'a' }))
  await send([V1, V11], tripText({ id: 'b' }), wide(tripText({ id: 'c' })))
  await send(
    [V1, V11, V2],
    old(tripText({ id: 'd' })),
    young(wide(tripText({ id: 'e' }))),
    young(tripText({ id: 'f' })),
  )
  readers = await IcebergReaders.start()
})
afterAll(() => readers?.stop())

describe('the history of a contract, read by PyIceberg and DuckDB', () => {
  const question = {
    extremes: ['event_id'],
    where: 'vendor_id > 4000000000',
    rowFilter: 'vendor_id > 4000000000',
  }

  it('is one table for all versions of a major: old files have nulls and fit the wider type', async () => {
    const answer = await readers.read({
      ...question,
      database,
      name: 'trips',
      columns: ['airport_fee', 'vendor_id', 'fare_amount'],
      sums: ['airport_fee', 'vendor_id', 'fare_amount'],
    })

    const { pyiceberg, duckdb } = answer
    expect(pyiceberg).toMatchObject({
      rows: 4,
      airport_fee_nulls: 3,
      vendor_id_nulls: 0,
      airport_fee_sum: '1.25',
      vendor_id_sum: '5000000003',
      fare_amount_sum: '42.00',
      filtered_rows: 1,
    })
    expect(duckdb).toEqual(pyiceberg)
    // Bounds of 32 bits are told from those of 64 by their length.
    expect([answer.files, answer.filesFiltered]).toEqual([3, 1])
  })

  it('shows an old snapshot with the schema that it had', async () => {
    const table = await loadTable(lake, { database, name: 'trips' })
    const [first] = table!.snapshots

    const { pyiceberg } = await readers.read({
      ...question,
      database,
      name: 'trips',
      columns: ['fare_amount'],
      sums: ['vendor_id'],
      snapshot: String(first!.snapshotId),
    })

    expect(pyiceberg).toMatchObject({ rows: 1, vendor_id_sum: '1', filtered_rows: 0 })
  })

  it('is a table of its own for a new major', async () => {
    const { pyiceberg, duckdb } = await readers.read({
      ...question,
      database,
      name: 'trips_v2',
      columns: ['airport_fee'],
      sums: ['fare'],
    })

    expect(pyiceberg).toMatchObject({
      rows: 2,
      airport_fee_nulls: 1,
      fare_sum: '21.00',
      filtered_rows: 1,
    })
    expect(duckdb).toEqual(pyiceberg)
  })

  it('has its columns in Glue too', async () => {
    const { Table: table } = await glue.send(
      new GetTableCommand({ DatabaseName: database, Name: 'trips' }),
    )

    const columns = table?.StorageDescriptor?.Columns ?? []
    const typeOf = (name: string) => columns.find((column) => column.Name === name)?.Type
    expect([typeOf('vendor_id'), typeOf('airport_fee')]).toEqual(['bigint', 'decimal(10,2)'])
  })
})
