import { readFileSync } from 'node:fs'
import { gunzipSync, zstdCompressSync } from 'node:zlib'
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from '@aws-sdk/client-glue'
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  clientSettings,
  eventually,
  startTemporaryCloud,
  type TemporaryCloud,
} from './temporary-cloud.ts'

interface Fixture {
  readonly bucket: string
  readonly metadataLocation: string
  readonly snapshotIds: readonly string[]
  readonly objects: Readonly<Record<string, string>>
}

const fixture = JSON.parse(
  gunzipSync(readFileSync(new URL('fixtures/trips.json.gz', import.meta.url))).toString(),
) as Fixture
const firstSnapshot = fixture.snapshotIds[0]

describe('the local Athena', () => {
  let cloud: TemporaryCloud
  let s3: S3Client
  let glue: GlueClient
  let athena: AthenaClient

  beforeAll(async () => {
    // With IAM on, so that its own reads are proven to be allowed.
    cloud = await startTemporaryCloud({ auth: true })
    s3 = new S3Client({ ...clientSettings(cloud), forcePathStyle: true })
    glue = new GlueClient(clientSettings(cloud))
    athena = new AthenaClient(clientSettings(cloud))
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'taxi' } }))
    await createIcebergTable()
    await createRawTable()
    await createTable('nothing_yet', 's3://fixture-lake/nothing/', { columns: RAW_COLUMNS })
  })
  afterAll(async () => {
    await cloud.stop()
  })

  it('reads an Iceberg table as its metadata says, not every file that lies there', async () => {
    await put('trips/data/dead-file.parquet', Buffer.from('left behind by a failed commit'))

    const { rows, types } = await query(
      `SELECT count(*) AS trips, count(DISTINCT zone) AS zones, sum(fare) AS fares, max(picked_up) AS latest FROM trips`,
    )

    expect(rows).toEqual([['150', '5', '111.75', '2024-01-01 02:29:00.000000 UTC']])
    expect(types).toEqual(['bigint', 'bigint', 'decimal', 'timestamp with time zone'])
  })

  it('finds a table by its quoted and its full name', async () => {
    const { columns, rows } = await query(
      'SELECT "taxi"."trips".id, zone FROM "awsdatacatalog"."taxi"."trips" WHERE taxi.trips.id = 7',
      'default',
    )

    expect(columns).toEqual(['id', 'zone'])
    expect(rows).toEqual([['7', 'zone-2']])
  })

  it('travels in time by snapshot and by timestamp', async () => {
    const byVersion = await query(`SELECT count(*) FROM trips FOR VERSION AS OF ${firstSnapshot}`)
    const byTime = await query(
      `SELECT count(*) FROM taxi.trips FOR TIMESTAMP AS OF (current_timestamp + INTERVAL '1' HOUR) AS t WHERE t.id < 120`,
    )
    const inside = await query(
      `SELECT count(*) FROM (SELECT * FROM trips FOR VERSION AS OF ${firstSnapshot}) t WHERE t.id < 90`,
    )
    const tooEarly = query(
      `SELECT * FROM trips FOR TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'`,
    )

    expect(byVersion.rows).toEqual([['100']])
    expect(byTime.rows).toEqual([['120']])
    expect(inside.rows).toEqual([['90']])
    await expect(tooEarly).rejects.toThrow(
      /^INVALID_ARGUMENTS: No version history table at or before/,
    )
  })

  it('reads compressed JSON lines by their partitions, which nobody registered', async () => {
    const { rows } = await query(
      `SELECT date, shard, count(*) AS n, sum(amount) AS amount, max(detail.kind) AS kind
       FROM raw WHERE date >= '2024-01-02' GROUP BY date, shard ORDER BY date, shard`,
    )

    expect(rows).toEqual([
      ['2024-01-02', '000', '3', '0.60', 'k2'],
      ['2024-01-02', '001', '3', '0.60', 'k2'],
    ])
  })

  it('knows which object a row comes from, where that is asked for', async () => {
    const { rows: objects } = await query('SELECT "$path", count(*) FROM raw GROUP BY 1 ORDER BY 1')
    const [first] = objects.map(([path]) => path)
    const { rows } = await query(
      `SELECT count(*) FROM raw t WHERE t."$path" NOT IN ('${first}', 's3://elsewhere/x')`,
    )
    const { columns } = await query('SELECT * FROM raw LIMIT 1')

    expect(objects.length).toBeGreaterThan(1)
    for (const [path] of objects) expect(path).toMatch(/^s3:\/\/[^/]+\/.*date=2024-01-0/)
    const all = objects.reduce((sum, [, count]) => sum + Number(count), 0)
    expect(Number(rows[0]![0])).toBe(all - Number(objects[0]![1]))
    expect(columns).not.toContain('$path')
  })

  it('counts the bytes of the partitions that a query needs, the same each time', async () => {
    const all = await query('SELECT count(*), max(id) FROM raw')
    const one = await query(
      `SELECT count(*), max(id) FROM raw WHERE date = '2024-01-01' AND shard = '000'`,
    )
    const again = await query(
      `SELECT count(*), max(id) FROM raw WHERE date = '2024-01-01' AND shard = '000'`,
    )
    const iceberg = await query('SELECT sum(fare) FROM trips')
    const icebergAgain = await query('SELECT sum(fare) FROM trips')

    expect(all.scannedBytes).toBeGreaterThan(0)
    expect(one.scannedBytes).toBe(all.scannedBytes / 4)
    expect(again.scannedBytes).toBe(one.scannedBytes)
    expect(iceberg.scannedBytes).toBeGreaterThan(0)
    expect(icebergAgain.scannedBytes).toBe(iceberg.scannedBytes)
  })

  it('joins an Iceberg table with raw lines in one query', async () => {
    const { rows } = await query(
      `WITH lines AS (SELECT DISTINCT id FROM raw)
       SELECT t.zone, t.fare FROM trips t JOIN lines ON lines.id = t.id ORDER BY t.id`,
    )

    expect(rows).toEqual([
      ['zone-0', '0.00'],
      ['zone-1', '0.01'],
      ['zone-2', '0.02'],
    ])
  })

  it('answers no rows for a location that is still empty', async () => {
    const { columns, rows } = await query('SELECT id, shard FROM nothing_yet')

    expect({ columns, rows }).toEqual({ columns: ['id', 'shard'], rows: [] })
  })

  it('does not look outside of the range that a projection allows', async () => {
    await put('raw/date=2023-12-31/shard=000/early.json', Buffer.from('{"id": 99}\n'))
    await put('raw/date=2024-01-01/shard=900/other.json', Buffer.from('{"id": 99}\n'))

    const { rows } = await query('SELECT count(*) FROM raw WHERE id = 99')

    expect(rows).toEqual([['0']])
  })

  it("speaks Trino's functions, with Trino's results", async () => {
    const { columns, rows } = await query(
      `SELECT date_diff('hour', TIMESTAMP '2024-01-01 10:59:00', TIMESTAMP '2024-01-01 11:01:00') AS hours,
              7 / 2, approx_distinct(zone), try_cast('x' AS integer), cast(1e10 AS double),
              from_iso8601_timestamp('2024-07-01T12:00:00Z'),
              cast('2024-01-01 00:00:00' AS timestamp(6) with time zone),
              date_trunc('hour', TIMESTAMP '2024-01-01 10:59:00'),
              TIMESTAMP '2024-07-01 12:00:00' AT TIME ZONE 'Europe/Berlin'
       FROM trips`,
    )

    expect(columns.slice(0, 3)).toEqual(['hours', '_col1', '_col2'])
    expect(rows).toEqual([
      [
        '0',
        '3',
        '5',
        undefined,
        '1.0E10',
        '2024-07-01 12:00:00.000000 UTC',
        '2024-01-01 00:00:00.000000 UTC',
        '2024-01-01 10:00:00.000000',
        '2024-07-01 10:00:00.000000 UTC',
      ],
    ])
  })

  it.each([
    ['SELECT fee FROM trips', `COLUMN_NOT_FOUND: line 1:8: Column 'fee' cannot be resolved`],
    [
      'SELECT * FROM rides',
      `TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.taxi.rides' does not exist`,
    ],
    ['SELECT * FROM bus.rides', `SCHEMA_NOT_FOUND: line 1:15: Schema 'bus' does not exist`],
    ['SELEC 1', 'SYNTAX_ERROR: line 1:1: syntax error at or near "SELEC"'],
    ['SELECT 1; SELECT 2', 'Only one sql statement is allowed'],
    ['DELETE FROM trips', 'NOT_SUPPORTED: the local Athena only reads, this is DELETE'],
  ])('fails %s with a short reason', async (sql, reason) => {
    await expect(query(sql)).rejects.toThrow(new Error(reason))
  })

  it('reads views as Athena keeps them, also views of views', async () => {
    await createView('zone_trips', 'SELECT zone, count(*) AS n FROM trips GROUP BY zone', [
      'zone',
      'n',
    ])
    await createView(
      'busiest',
      `SELECT max(n), count(*) FROM zone_trips JOIN (SELECT count(*) c FROM raw WHERE date >= '2024-01-02') r ON r.c = 6`,
      ['most', 'zones'],
    )

    const { columns, rows } = await query('SELECT b.most, zones FROM taxi.busiest b')

    expect(columns).toEqual(['most', 'zones'])
    expect(rows).toEqual([['30', '5']])
    await expect(query('SELECT nothing FROM busiest')).rejects.toThrow(/^COLUMN_NOT_FOUND/)
  })

  it('writes the result where it says, nulls apart from empty texts', async () => {
    const { outputLocation } = await query(`SELECT 'a "b"' AS x, '' AS y, NULL AS z`)
    const key = outputLocation.replace('s3://fixture-lake/', '')

    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'fixture-lake', Key: key }))

    expect(await Body?.transformToString()).toBe('"x","y","z"\n"a ""b""","",\n')
  })

  it('answers queries of many at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => query(`SELECT count(*) FROM trips WHERE id >= ${i}`)),
    )

    expect(answers.map(({ rows }) => rows[0]?.[0])).toEqual(
      Array.from({ length: 8 }, (_, i) => String(150 - i)),
    )
  })

  async function put(key: string, body: Buffer): Promise<void> {
    await s3.send(new PutObjectCommand({ Bucket: fixture.bucket, Key: key, Body: body }))
  }

  async function createIcebergTable(): Promise<void> {
    await s3.send(new CreateBucketCommand({ Bucket: fixture.bucket }))
    for (const [key, body] of Object.entries(fixture.objects)) {
      await put(key, Buffer.from(body, 'base64'))
    }
    const parameters = { table_type: 'ICEBERG', metadata_location: fixture.metadataLocation }
    await createTable('trips', `s3://${fixture.bucket}/trips`, { parameters })
  }

  async function createRawTable(): Promise<void> {
    for (const date of ['2024-01-01', '2024-01-02']) {
      for (const shard of ['000', '001']) {
        const lines = [0, 1, 2].map((id) => ({ id, amount: '0.20', detail: { kind: `k${id}` } }))
        const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
        await put(`raw/date=${date}/shard=${shard}/part.json.zst`, zstdCompressSync(body))
      }
    }
    const parameters = {
      'projection.enabled': 'true',
      'projection.date.type': 'date',
      'projection.date.format': 'yyyy-MM-dd',
      'projection.date.range': '2024-01-01,NOW',
      'projection.shard.type': 'integer',
      'projection.shard.range': '0,99',
      'projection.shard.digits': '3',
    }
    await createTable('raw', 's3://fixture-lake/raw/', { columns: RAW_COLUMNS, parameters })
  }

  async function createView(name: string, sql: string, columns: readonly string[]): Promise<void> {
    const definition = {
      originalSql: sql,
      catalog: 'awsdatacatalog',
      schema: 'taxi',
      columns: columns.map((column) => ({ name: column, type: 'varchar' })),
    }
    const encoded = Buffer.from(JSON.stringify(definition)).toString('base64')
    const table = {
      Name: name,
      TableType: 'VIRTUAL_VIEW',
      Parameters: { presto_view: 'true' },
      ViewOriginalText: `/* Presto View: ${encoded} */`,
      ViewExpandedText: '/* Presto View */',
      StorageDescriptor: { Columns: columns.map((column) => ({ Name: column, Type: 'string' })) },
    }
    await glue.send(new CreateTableCommand({ DatabaseName: 'taxi', TableInput: table }))
  }

  async function createTable(
    name: string,
    location: string,
    {
      columns = [],
      parameters = {},
    }: { columns?: typeof RAW_COLUMNS; parameters?: Record<string, string> },
  ): Promise<void> {
    const partitionKeys = columns.length === 0 ? [] : ['date', 'shard']
    const storage = {
      Location: location,
      Columns: columns,
      InputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
      SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
    }
    const table = {
      Name: name,
      TableType: 'EXTERNAL_TABLE',
      Parameters: parameters,
      PartitionKeys: partitionKeys.map((key) => ({ Name: key, Type: 'string' })),
      StorageDescriptor: storage,
    }
    await glue.send(new CreateTableCommand({ DatabaseName: 'taxi', TableInput: table }))
  }

  async function query(sql: string, database = 'taxi') {
    const { QueryExecutionId } = await athena.send(
      new StartQueryExecutionCommand({
        QueryString: sql,
        QueryExecutionContext: { Database: database },
        ResultConfiguration: { OutputLocation: 's3://fixture-lake/results/' },
      }),
    )
    const execution = await eventually(async () => {
      const { QueryExecution } = await athena.send(
        new GetQueryExecutionCommand({ QueryExecutionId }),
      )
      return ['SUCCEEDED', 'FAILED'].includes(QueryExecution?.Status?.State ?? '')
        ? QueryExecution
        : undefined
    })
    if (execution.Status?.State === 'FAILED') throw new Error(execution.Status.StateChangeReason)
    const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }))
    const rows = (ResultSet?.Rows ?? []).map((row) =>
      (row.Data ?? []).map((cell) => cell.VarCharValue),
    )
    return {
      columns: rows[0] ?? [],
      rows: rows.slice(1),
      types: (ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map((column) => column.Type),
      scannedBytes: execution.Statistics?.DataScannedInBytes ?? -1,
      outputLocation: execution.ResultConfiguration?.OutputLocation ?? '',
    }
  }
})

const RAW_COLUMNS = [
  { Name: 'id', Type: 'bigint' },
  { Name: 'amount', Type: 'decimal(10,2)' },
  { Name: 'detail', Type: 'struct<kind:string>' },
]
