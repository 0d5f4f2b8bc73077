import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import { type Column, type ColumnBatch, takeRows, utf8Column } from '#lib/domain/kernel/columns.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import {
  withColumnMoved,
  withColumnRenamed,
  withColumnWidened,
  withoutColumn,
} from '#lib/domain/lake/evolve-columns.ts'
import { withPartitioning } from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { PartitionField, TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import type { Transform } from '#lib/domain/lake/transform.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { createBucket, testConfig } from '#test/support/tables.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'text', required: false, type: 'string' },
    { id: 2, name: 'whole', required: false, type: 'int' },
    { id: 3, name: 'large', required: false, type: 'long' },
    { id: 4, name: 'money', required: false, type: 'decimal(12, 2)' },
    { id: 5, name: 'held_on', required: false, type: 'date' },
    { id: 6, name: 'held_at', required: false, type: 'timestamptz' },
    { id: 7, name: 'flag', required: false, type: 'boolean' },
    { id: 8, name: 'ratio', required: false, type: 'double' },
  ],
}
const ROWS = 60
const DAY_MICROS = 86_400_000_000n

/** Rows around the epoch and around zero, the last one of nothing but nulls. */
function rows(): ColumnBatch {
  const at = Array.from({ length: ROWS }, (_, row) => row - ROWS / 2)
  const nulls = Uint8Array.from(at, (_, row) => (row === ROWS - 1 ? 1 : 0))
  const int64 = (value: (n: number) => bigint): Column => ({
    kind: 'int64',
    values: BigInt64Array.from(at, value),
    nulls,
  })
  const int32 = (value: (n: number) => number): Column => ({
    kind: 'int32',
    values: Int32Array.from(at, value),
    nulls,
  })
  const texts = at.map((n, row) => (row === ROWS - 1 ? null : `${'äé🚕x'.slice(n % 3)} ${n % 7}`))
  return {
    rows: ROWS,
    columns: new Map<string, Column>([
      ['text', utf8Column(texts)],
      ['whole', int32((n) => n % 9)],
      ['large', int64((n) => BigInt(n % 8) * 5_000_000_000n)],
      ['money', int64((n) => BigInt(n % 10) * 12_345n)],
      ['held_on', int32((n) => (n % 6) * 200)],
      ['held_at', int64((n) => BigInt(n % 5) * 17n * DAY_MICROS - 1n)],
      ['flag', { kind: 'boolean', values: Uint8Array.from(at, (n) => n & 1), nulls }],
      // Without -0: PyIceberg takes it for a partition of its own, and its rows for those of 0 as well.
      ['ratio', { kind: 'float64', values: Float64Array.from(at, (n) => (n % 4) / 8 + 0), nulls }],
    ]),
  }
}

let lake: Lake
let bucket: string
let database: string
let readers: IcebergReaders

const fieldOf = (sourceId: number, transform: Transform): PartitionField => ({
  sourceId,
  fieldId: 1000,
  name: `by_${transform.replace(/\W/g, '_')}`,
  transform,
})

async function tableBy(name: string, field: PartitionField) {
  const table = { database, name }
  await createTableIfAbsent(lake, {
    name: table,
    location: `s3://${bucket}/${name}`,
    schema: SCHEMA,
    spec: { fields: [field] },
    sortOrder: {
      fields: [{ sourceId: 3, transform: 'identity', direction: 'desc', nulls: 'last' }],
    },
  })
  return table
}

async function append(
  table: { database: string; name: string },
  writer?: TableSchema,
): Promise<void> {
  const { spec, schema: current } = (await loadTable(lake, table))!
  const schema = writer ?? current
  const files: DataFile[] = []
  for (const { partition, path, rows: positions } of partitionRows(schema, spec, rows())) {
    const encoded = encodeParquet(schema, takeRows(rows(), positions))
    const uri = `s3://${bucket}/${table.name}/data/${path}/${randomUUID()}.parquet`
    await lake.objects.putIfAbsent(uri, encoded.bytes)
    files.push(dataFile(uri, partition, encoded))
  }
  await commit(lake, table, () => ({
    files,
    ...(writer && { schema: writer }),
    summary: {},
    setProperties: () => ({}),
  }))
}

const question = (table: { database: string; name: string }) => ({
  ...table,
  columns: SCHEMA.fields.map(({ name }) => name),
  sums: ['whole', 'large', 'money'],
  extremes: ['text', 'held_on', 'held_at', 'flag', 'ratio'],
  // One row at least, and each column once.
  where:
    "text = 'äé🚕x 3' AND whole = 3 AND large = 15000000000 AND money = 370.35 AND held_on = DATE '1971-08-24' AND held_at = TIMESTAMPTZ '1970-02-20T23:59:59.999999Z' AND flag AND ratio = 0.375",
  rowFilter:
    "text = 'äé🚕x 3' and whole = 3 and large = 15000000000 and money = '370.35' and held_on = '1971-08-24' and held_at = '1970-02-20T23:59:59.999999+00:00' and flag = true and ratio = 0.375",
})

/** Rows per partition. */
function counts(files: readonly DataFile[]): Record<string, number> {
  const found: Record<string, number> = {}
  for (const { partition, recordCount } of files) {
    const key = JSON.stringify(Object.values(partition))
    found[key] = (found[key] ?? 0) + recordCount
  }
  return found
}

beforeAll(async () => {
  const created = await createBucket()
  bucket = created.bucket
  const glue = new GlueClient(testConfig())
  database = `layouts_${randomUUID().replaceAll('-', '')}`
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }))
  lake = {
    objects: new S3ObjectStore({ client: created.client as S3Client }),
    catalog: new GlueCatalog({ client: glue }),
    clock: systemClock,
    ids: systemIds,
  }
  readers = await IcebergReaders.start()
})
afterAll(() => readers?.stop())

describe('every transform', () => {
  const cases: readonly (readonly [Transform, readonly number[]])[] = [
    ['identity', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['bucket[4]', [1, 2, 3, 4, 5, 6]],
    ['truncate[3]', [1, 2, 3, 4]],
    ['year', [5, 6]],
    ['month', [5, 6]],
    ['day', [5, 6]],
    ['hour', [6]],
  ]
  const all = cases.flatMap(([transform, ids]) =>
    ids.map((id) => [transform, SCHEMA.fields[id - 1]!] as const),
  )
  it.each(all.map(([transform, { name, id, type }]) => [transform, type, name, id] as const))(
    '%s of a %s puts rows where PyIceberg puts them, and each engine finds them',
    async (transform, _type, column, id) => {
      const table = await tableBy(
        `${column}_${transform.replace(/\W/g, '_')}`,
        fieldOf(id, transform),
      )

      await append(table)
      const ours = await (await loadTable(lake, table))!.liveFiles()
      await readers.append(table)
      const both = await (await loadTable(lake, table))!.liveFiles()
      const { pyiceberg, duckdb, sortOrder, filesFiltered } = await readers.read(question(table))

      const known = new Set(ours.map(({ path }) => path))
      const theirs = both.filter(({ path }) => !known.has(path))
      expect(Object.keys(counts(ours)).length).toBeGreaterThan(1)
      expect(counts(theirs)).toEqual(counts(ours))
      expect(pyiceberg.rows).toBe(2 * ROWS)
      expect(duckdb).toEqual(pyiceberg)
      expect(pyiceberg.filtered_rows).toBe(2)
      expect(filesFiltered).toBe(2)
      expect(sortOrder).toContain('3 DESC NULLS LAST')
    },
  )
})

describe('another partitioning of a table in use', () => {
  it('is read across both by each engine, which write by the new one', async () => {
    const table = await tableBy('evolving', fieldOf(6, 'month'))
    await append(table)

    await evolveTable(lake, table, (metadata) =>
      withPartitioning(metadata, [
        { sourceId: 6, transform: 'day', name: 'held_at_day' },
        { sourceId: 1, transform: 'bucket[4]', name: 'text_bucket' },
      ]),
    )
    await append(table)
    await readers.append(table)

    const { pyiceberg, duckdb } = await readers.read(question(table))
    const live = await (await loadTable(lake, table))!.liveFiles()
    const names = new Set(live.map(({ partition }) => Object.keys(partition).join()))
    expect(names).toEqual(new Set(['by_month', 'held_at_day,text_bucket']))
    expect(pyiceberg.rows).toBe(4 * ROWS)
    expect(duckdb).toEqual(pyiceberg)
  })
})

describe('columns that were renamed, widened, moved and dropped', () => {
  it('are read from older and newer files by each engine, which write the new ones', async () => {
    const table = await tableBy('columns', fieldOf(6, 'month'))
    await append(table)

    await evolveTable(lake, table, (base) => {
      const renamed = withColumnRenamed(base, 1, 'words')
      const widened = withColumnWidened(withColumnWidened(renamed, 2, 'long'), 4, 'decimal(18, 2)')
      return withColumnMoved(withoutColumn(widened, 8), 6, 'first')
    })
    // By a writer that has not heard of it.
    await append(table, SCHEMA)
    await readers.append(table)

    const { schema } = (await loadTable(lake, table))!
    const { pyiceberg, duckdb } = await readers.read({
      ...table,
      columns: schema.fields.map(({ name }) => name),
      sums: ['whole', 'large', 'money'],
      extremes: ['words', 'held_at'],
      where: "words = 'äé🚕x 3' AND whole = 3 AND money = 370.35",
      rowFilter: "words = 'äé🚕x 3' and whole = 3 and money = '370.35'",
    })
    expect(schema.fields.map(({ name }) => name)).toEqual([
      'held_at',
      'words',
      'whole',
      'large',
      'money',
      'held_on',
      'flag',
    ])
    expect(pyiceberg).toMatchObject({ rows: 4 * ROWS, words_nulls: 4, filtered_rows: 4 })
    expect(duckdb).toEqual(pyiceberg)
  })
})
