import { randomBytes, randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { type Column, type ColumnBatch, takeRows, utf8Column } from '#lib/domain/kernel/columns.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import type { PartitionSpec, TableSchema } from '#lib/domain/lake/schema.ts'
import {
  createTableIfAbsent,
  type Lake,
  loadTable,
  manifestsOf,
  type Table,
} from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { valueAt } from '#test/support/columns.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'trip_id', required: true, type: 'string', doc: 'Which trip' },
    { id: 20, name: 'dropoff_at', required: true, type: 'timestamptz' },
    { id: 3, name: 'fare', required: false, type: 'decimal(9, 2)' },
    { id: 4, name: 'total', required: false, type: 'decimal(18, 6)' },
    { id: 5, name: 'distance', required: false, type: 'double' },
    { id: 6, name: 'passengers', required: false, type: 'int' },
    { id: 7, name: 'meter', required: false, type: 'long' },
    { id: 8, name: 'shared', required: false, type: 'boolean' },
    { id: 9, name: 'billed_on', required: false, type: 'date' },
  ],
}
const SPEC: PartitionSpec = {
  fields: [{ sourceId: 20, fieldId: 1000, name: 'dropoff_at_day', transform: 'day' }],
}
/** Two days' worth, at one trip each ten minutes. */
const BATCH = 288
const ROWS = 3 * BATCH
const NEW_YEAR_2019 = 1_546_300_800_000_000n
const THIRD_OF_JANUARY = {
  where: "dropoff_at >= '2019-01-03T00:00:00Z' AND dropoff_at < '2019-01-04T00:00:00Z'",
  rowFilter:
    "dropoff_at >= '2019-01-03T00:00:00+00:00' and dropoff_at < '2019-01-04T00:00:00+00:00'",
}

/** Trips from `first` on, one each ten minutes; every column but the first two has gaps of its own. */
function trips(first: number, rows: number): ColumnBatch {
  const at = Array.from({ length: rows }, (_, row) => first + row)
  const gaps = (every: number) => Uint8Array.from(at, (n) => (n % every === 0 ? 1 : 0))
  const int64 = (value: (n: number) => bigint, every?: number): Column => ({
    kind: 'int64',
    values: BigInt64Array.from(at, value),
    ...(every && { nulls: gaps(every) }),
  })
  return {
    rows,
    columns: new Map<string, Column>([
      ['trip_id', utf8Column(at.map((n) => `trip ${n} – ${'ü'.repeat(n % 30)}`))],
      ['dropoff_at', int64((n) => NEW_YEAR_2019 + BigInt(n) * 600_000_001n)],
      ['fare', int64((n) => BigInt(n * 37 - 5000), 3)],
      ['total', int64((n) => BigInt(n) * 123_456_789_012n, 4)],
      [
        'distance',
        { kind: 'float64', values: Float64Array.from(at, (n) => n / 8), nulls: gaps(5) },
      ],
      [
        'passengers',
        { kind: 'int32', values: Int32Array.from(at, (n) => (n % 7) - 1), nulls: gaps(6) },
      ],
      ['meter', int64((n) => BigInt(n) * 9_007_199_254_740_993n, 7)],
      ['shared', { kind: 'boolean', values: Uint8Array.from(at, (n) => n % 2), nulls: gaps(8) }],
      [
        'billed_on',
        { kind: 'int32', values: Int32Array.from(at, (n) => 17_897 - (n % 60)), nulls: gaps(9) },
      ],
    ]),
  }
}

const NULL_EVERY = {
  fare: 3,
  total: 4,
  distance: 5,
  passengers: 6,
  meter: 7,
  shared: 8,
  billed_on: 9,
}

/** What any reader must find in trips 0 to `rows`, counted `times` times over. */
function expected(rows: number, times = 1) {
  const all = Array.from({ length: rows }, (_, n) => n)
  const with_ = (every: number) => all.filter((n) => n % every !== 0)
  const sum = (every: number, value: (n: number) => bigint) =>
    BigInt(times) * with_(every).reduce((total, n) => total + value(n), 0n)
  const decimal = (unscaled: bigint, scale: number) => {
    const digits = String(unscaled).padStart(scale + 1, '0')
    return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  }
  return {
    rows: rows * times,
    trip_id_nulls: 0,
    dropoff_at_nulls: 0,
    ...Object.fromEntries(
      Object.entries(NULL_EVERY).map(([name, every]) => [
        `${name}_nulls`,
        times * all.filter((n) => n % every === 0).length,
      ]),
    ),
    fare_sum: decimal(
      sum(3, (n) => BigInt(n * 37 - 5000)),
      2,
    ),
    total_sum: decimal(
      sum(4, (n) => BigInt(n) * 123_456_789_012n),
      6,
    ),
    passengers_sum: String(sum(6, (n) => BigInt((n % 7) - 1))),
    meter_sum: String(sum(7, (n) => BigInt(n) * 9_007_199_254_740_993n)),
    trip_id_min: 'trip 0 – ',
    dropoff_at_min: '2019-01-01 00:00:00+00',
    shared_min: 'false',
    shared_max: 'true',
    filtered_rows: times * all.filter((n) => Math.floor((n * 600.000001) / 86_400) === 2).length,
  }
}

let lake: Lake
let readers: IcebergReaders
let bucket: string
let table: { database: string; name: string }

const question = () => ({
  ...table,
  ...THIRD_OF_JANUARY,
  columns: SCHEMA.fields.map(({ name }) => name),
  sums: ['fare', 'total', 'passengers', 'meter'],
  extremes: ['trip_id', 'dropoff_at', 'shared'],
})

async function append(first: number, rows: number, properties: Record<string, string> = {}) {
  const batch = trips(first, rows)
  const files: DataFile[] = []
  for (const { partition, path, rows: positions } of partitionRows(SCHEMA, SPEC, batch)) {
    const encoded = encodeParquet(SCHEMA, takeRows(batch, positions))
    const uri = `s3://${bucket}/trips/data/${path}/${first}-${randomUUID()}.parquet`
    await lake.objects.putIfAbsent(uri, encoded.bytes)
    files.push(dataFile(uri, partition, encoded))
  }
  return await commit(lake, table, () => ({
    files,
    summary: { 'weir.first': String(first) },
    setProperties: (snapshotId) => ({ ...properties, 'weir.snapshot': String(snapshotId) }),
  }))
}

beforeAll(async () => {
  const config = clientConfig({ region: 'us-east-1' })
  const [s3, glue] = [new S3Client(config), new GlueClient(config)]
  const unique = randomUUID().replaceAll('-', '')
  bucket = `readers-${unique}`
  table = { database: `readers_${unique}`, name: 'trips' }
  await s3.send(new CreateBucketCommand({ Bucket: bucket }))
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: table.database } }))
  lake = {
    objects: new S3ObjectStore({ client: s3 }),
    catalog: new GlueCatalog({ client: glue }),
    clock: { nowMs: () => Date.now() },
    ids: { uuid: randomUUID, snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n },
  }
  await createTableIfAbsent(lake, {
    name: table,
    location: `s3://${bucket}/trips`,
    schema: SCHEMA,
    spec: SPEC,
  })
  readers = await IcebergReaders.start()
})
afterAll(() => readers?.stop())

describe('PyIceberg and DuckDB, which know nothing of Weir,', () => {
  it('read a table whose only snapshot has no files', async () => {
    await append(0, 0)

    const { pyiceberg, duckdb, files } = await readers.read(question())

    expect([pyiceberg.rows, duckdb.rows, files]).toEqual([0, 0, 0])
  })

  it('find the same rows, sums, nulls and extremes as were written', async () => {
    for (let first = 0; first < ROWS; first += BATCH) await append(first, BATCH)

    const { pyiceberg, duckdb, properties, snapshots } = await readers.read(question())

    expect(pyiceberg).toMatchObject(expected(ROWS))
    expect(duckdb).toEqual(pyiceberg)
    expect(snapshots.map(([, operation]) => operation)).toEqual(Array(4).fill('append'))
    expect(snapshots.at(-1)![2]).toMatchObject({
      'total-records': String(ROWS),
      'weir.first': String(2 * BATCH),
    })
    expect(properties['weir.snapshot']).toMatch(/^\d+$/)
  })

  it('open only the files of a day that is asked for', async () => {
    const { files, filesFiltered, duckdbPlan, pyiceberg } = await readers.read(question())

    expect(pyiceberg.filtered_rows).toBe(144)
    expect(files).toBe(6)
    expect(filesFiltered).toBe(1)
    expect(duckdbPlan).toMatch(/Scanning Files: 1\/\d+|Total Files Read: 1\b/)
  })

  it('and write to it in between, and nothing of either side is lost', async () => {
    const foreign = await readers.append(table)
    await append(ROWS, 0, { after: 'foreign' })

    const { pyiceberg, duckdb } = await readers.read(question())
    const ours = (await loadTable(lake, table))!
    const live = await ours.liveFiles()

    expect(foreign).toBe(ROWS)
    expect(pyiceberg).toMatchObject(expected(ROWS, 2))
    expect(duckdb).toEqual(pyiceberg)
    expect(live.reduce((rows, file) => rows + file.recordCount, 0)).toBe(2 * ROWS)
    expect(ours.properties.after).toBe('foreign')
    expect(ours.snapshots.every(({ snapshotId }) => ours.isAncestor(snapshotId))).toBe(true)
  })

  it('write Parquet that we read back exactly', async () => {
    const live = await (await loadTable(lake, table))!.liveFiles()
    const names = SCHEMA.fields.map(({ name }) => name)
    const ofDay = live.filter(({ partition }) => partition.dropoff_at_day === 17_899)
    const rowsOf = async (files: readonly DataFile[]) => {
      const found: string[] = []
      for (const { path } of files) {
        const batch = await decodeParquet(await lake.objects.get(path), names)
        for (let row = 0; row < batch.rows; row++) {
          found.push(describeRow(takeRows(batch, [row])))
        }
      }
      return found.sort()
    }

    const [first, second] = [ofDay.filter(hasOurName), ofDay.filter((file) => !hasOurName(file))]

    expect([first.length, second.length]).toEqual([1, 1])
    expect(await rowsOf(second)).toEqual(await rowsOf(first))
  })

  it('see replaced files gone and their rows in the new ones, whoever wrote them', async () => {
    const before = (await loadTable(lake, table))!
    const live = await before.liveFiles()
    const ofDay = live.filter(({ partition }) => partition.dropoff_at_day === 17_899)
    const batches = await Promise.all(
      ofDay.map((file) => readDataFile(lake.objects, file, before.schema)),
    )
    const added = await Promise.all(
      batches.map(async (batch, at) => {
        const encoded = encodeParquet(SCHEMA, batch)
        const uri = `s3://${bucket}/trips/data/replaced-${at}-${randomUUID()}.parquet`
        await lake.objects.putIfAbsent(uri, encoded.bytes)
        return dataFile(uri, ofDay[at]!.partition, encoded)
      }),
    )

    await commit(lake, table, () => ({
      files: added,
      removed: ofDay.map(({ path }) => path),
      summary: {},
      setProperties: () => ({}),
    }))

    const { pyiceberg, duckdb, snapshots, filesFiltered } = await readers.read(question())
    expect(ofDay.filter(hasOurName)).toHaveLength(1)
    expect(ofDay).toHaveLength(2)
    expect(pyiceberg).toMatchObject(expected(ROWS, 2))
    expect(duckdb).toEqual(pyiceberg)
    expect(filesFiltered).toBe(2)
    expect(snapshots.at(-1)).toMatchObject({
      1: 'overwrite',
      2: { 'deleted-data-files': '2', 'deleted-records': '288', 'total-records': '1728' },
    })
    const old = await readers.read({
      ...question(),
      snapshot: String(before.currentSnapshot!.snapshotId),
    })
    expect(old.pyiceberg).toEqual(pyiceberg)
    expect(old.duckdb).toEqual(pyiceberg)
  })

  it('read and write a table whose manifests are merged and whose snapshots expire', async () => {
    const properties = {
      'commit.manifest.min-count-to-merge': '3',
      'history.expire.min-snapshots-to-keep': '2',
      'history.expire.max-snapshot-age-ms': '0',
    }
    await append(2 * ROWS, 0, properties)
    for (let first = ROWS; first < 2 * ROWS; first += BATCH) await append(first, BATCH)
    const before = (await loadTable(lake, table))!

    const { pyiceberg, duckdb, snapshots, filesFiltered } = await readers.read(question())
    await readers.append(table)
    await append(2 * ROWS, BATCH)
    const after = await readers.read(question())

    expect((await lakeManifests(before)).length).toBeLessThanOrEqual(3)
    expect(before.snapshots).toHaveLength(2)
    expect(snapshots).toHaveLength(2)
    expect(pyiceberg.rows).toBe(3 * ROWS)
    expect(duckdb).toEqual(pyiceberg)
    expect(filesFiltered).toBe(2)
    expect(after.pyiceberg.rows).toBe(6 * ROWS + BATCH)
    expect(after.duckdb).toEqual(after.pyiceberg)
    expect(after.snapshots).toHaveLength(2)
  })
})

const lakeManifests = (of: Table) => manifestsOf(lake.objects, currentSnapshotOf(of.metadata))

/** PyIceberg names its files `00000-0-<uuid>.parquet`. */
function hasOurName({ path }: DataFile): boolean {
  return !/\/\d{5}-\d+-[^/]+\.parquet$/.test(path)
}

function describeRow(batch: ColumnBatch): string {
  return [...batch.columns]
    .map(([name, column]) => {
      return `${name}: ${column.kind} ${String(valueAt(column, 0))}`
    })
    .join(', ')
}
