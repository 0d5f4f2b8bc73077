import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { S3Client } from '@aws-sdk/client-s3'
import { CreateTableBucketCommand, S3TablesClient } from '@aws-sdk/client-s3tables'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { S3TablesCatalog } from '#lib/adapters/s3tables/s3-tables-catalog.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { withColumnRenamed } from '#lib/domain/lake/evolve-columns.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { createTableIfAbsent, type Lake, requireTable } from '#lib/domain/lake/table.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { BY_DAY, TRIPS, trips } from '#test/domain/lake/lake-fixture.ts'
import { catalogContract } from '#test/ports/catalog-contract.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'

const config = clientConfig({ region: 'us-east-1' })
const client = new S3Client(config)

/** A catalog of a table bucket of its own. */
async function newCatalog(): Promise<S3TablesCatalog> {
  const tables = new S3TablesClient(config)
  const made = await tables.send(new CreateTableBucketCommand({ name: `tables-${randomUUID()}` }))
  return new S3TablesCatalog({ client: tables, tableBucketArn: made.arn! })
}

describe('S3TablesCatalog', () => {
  catalogContract(async () => {
    const catalog = await newCatalog()
    const locationOf = catalog.locationOf.bind(catalog)
    return { catalog, remover: catalog, database: 'cell', locationOf }
  })

  it('is room for a table, and no table, before it has metadata', async () => {
    const catalog = await newCatalog()
    const table = { database: 'cell', name: 'room' }

    const location = await catalog.locationOf(table)

    expect(location).toMatch(/^s3:\/\//)
    expect(await catalog.locationOf(table)).toBe(location)
    expect(await catalog.load(table)).toBeUndefined()
  })
})

describe('a table of S3 Tables', () => {
  const name = { database: 'cell', name: 'trips' }
  let lake: Lake
  let location: string
  let readers: IcebergReaders
  beforeAll(async () => {
    const catalog = await newCatalog()
    location = await catalog.locationOf(name)
    const objects = new S3ObjectStore({ client })
    lake = { objects, catalog, clock: systemClock, ids: systemIds }
    readers = await IcebergReaders.start()
  })
  afterAll(() => readers?.stop())

  async function append(prefix: string): Promise<void> {
    const { table } = await requireTable(lake, name)
    const { rows: count, columns } = trips(prefix, 30)
    const hasPrice = table.schema.fields.some((field) => field.name === 'price')
    const named = [...columns].map(
      ([column, values]) => [hasPrice && column === 'fare' ? 'price' : column, values] as const,
    )
    const files = await writeDataFiles(lake, table, { rows: count, columns: new Map(named) })
    await commit(lake, name, (now) =>
      now.properties[prefix] === undefined
        ? { files, summary: {}, setProperties: () => ({ [prefix]: 'in' }) }
        : undefined,
    )
  }

  /** What engines read of it: by the metadata that the catalog names, which Glue is told for them. */
  async function rows(columns: readonly string[]) {
    const glue = new GlueClient(config)
    const database = `s3tables_${randomUUID().replaceAll('-', '')}`
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
    const { metadataLocation } = (await lake.catalog.load(name))!
    await new GlueCatalog({ client: glue }).create(
      { database, name: 'trips' },
      { metadataLocation, location, schema: TRIPS },
    )
    const read = await readers.rows({ database, name: 'trips', columns })
    expect(read.duckdb).toEqual(read.pyiceberg)
    return read.pyiceberg
  }

  it('is made, appended to, evolved and compacted, and engines read it', async () => {
    await createTableIfAbsent(lake, { name, location, schema: TRIPS, spec: BY_DAY })
    for (const prefix of ['a', 'b', 'c', 'd', 'e', 'f']) await append(prefix)
    const before = await rows(['trip_id', 'fare'])
    expect(before).toHaveLength(180)

    await evolveTable(lake, name, (table) => withColumnRenamed(table, 12, 'price'))
    const report = await compact(lake, name, { minFiles: 2 })
    await append('g')

    expect(report.filesAfter).toBeLessThan(report.filesBefore)
    const after = await rows(['trip_id', 'price'])
    expect(after).toHaveLength(210)
    expect(after.filter(([id]) => !id!.startsWith('g'))).toEqual(before)
  })

  it('loses no append of two writers at once', async () => {
    await Promise.all(['x', 'y', 'z'].map((prefix) => append(prefix)))

    expect(await rows(['trip_id'])).toHaveLength(300)
  })
})
