import { randomUUID } from 'node:crypto'
import { CreateDatabaseCommand, GlueClient } from '@aws-sdk/client-glue'
import type { S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemIds } from '#lib/adapters/system/system.ts'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { withPartitioning } from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { createBucket, testConfig } from '#test/support/tables.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'name', required: false, type: 'string' },
    { id: 2, name: 'held_at', required: true, type: 'timestamptz' },
    { id: 3, name: 'price', required: false, type: 'decimal(12, 2)' },
    {
      id: 4,
      name: 'tags',
      required: false,
      type: { type: 'list', 'element-id': 5, element: 'string', 'element-required': true },
    },
  ],
}
const ROWS = 40
const DAY_MS = 24 * 3_600_000

function rows(first: number): ColumnBatch {
  const at = Array.from({ length: ROWS }, (_, row) => first + row)
  const nulls = Uint8Array.from(at, (n) => Number(n % 7 === 0))
  const offsets = Int32Array.from({ length: ROWS + 1 }, (_, row) => 2 * row)
  const tags = at.flatMap((n) => [`t${n % 3}`, `ü${n}`])
  return {
    rows: ROWS,
    columns: new Map<string, Column>([
      ['name', utf8Column(at.map((n) => (n % 5 === 0 ? null : `trip ${n}`)))],
      [
        'held_at',
        {
          kind: 'int64',
          values: BigInt64Array.from(at, (n) => BigInt(n) * 7_200_000_001n),
        },
      ],
      ['price', { kind: 'int64', values: BigInt64Array.from(at, (n) => BigInt(n) * 101n), nulls }],
      ['tags', { kind: 'list', offsets, elements: utf8Column(tags) }],
    ]),
  }
}

let lake: Lake
let remover: S3ObjectRemover
let readers: IcebergReaders
let table: { database: string; name: string }
/** How far the clock of maintenance is ahead of the stores'. */
let ahead = 0

async function append(first: number): Promise<bigint> {
  const files = await writeDataFiles(lake, (await loadTable(lake, table))!, rows(first))
  const done = await commit(lake, table, () => ({ files, summary: {}, setProperties: () => ({}) }))
  return done.snapshotId!
}

/** What both engines answer, if they agree. */
async function answer() {
  const read = await readers.read({
    ...table,
    columns: ['name', 'held_at', 'price', 'tags'],
    sums: ['price', 'len(tags)'],
    extremes: ['name', 'held_at', 'tags'],
    where: "held_at < TIMESTAMPTZ '1970-01-02T00:00:00Z'",
    rowFilter: "held_at < '1970-01-02T00:00:00+00:00'",
  })
  expect(read.duckdb).toEqual(read.pyiceberg)
  return read
}

beforeAll(async () => {
  const { client, bucket } = await createBucket()
  const glue = new GlueClient(testConfig())
  table = { database: `maintenance_${randomUUID().replaceAll('-', '')}`, name: 'trips' }
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: table.database } }))
  lake = {
    objects: new S3ObjectStore({ client: client as S3Client }),
    catalog: new GlueCatalog({ client: glue }),
    clock: { nowMs: () => Date.now() + ahead },
    ids: systemIds,
  }
  remover = new S3ObjectRemover({ client })
  await createTableIfAbsent(lake, {
    name: table,
    location: `s3://${bucket}/trips`,
    schema: SCHEMA,
    spec: { fields: [{ sourceId: 2, fieldId: 1000, name: 'at_day', transform: 'day' }] },
    sortOrder: {
      fields: [{ sourceId: 3, transform: 'identity', direction: 'desc', nulls: 'last' }],
    },
  })
  readers = await IcebergReaders.start()
})
afterAll(() => readers?.stop())

describe('maintenance of a table that PyIceberg writes too', () => {
  let before: Awaited<ReturnType<typeof answer>>
  let first: bigint
  beforeAll(async () => {
    first = await append(0)
    for (let at = 1; at < 4; at++) await append(at * ROWS)
    await readers.append(table)
    before = await answer()
  })

  it('compacts both engines’ files, and no reader sees a difference', async () => {
    const report = await compact(lake, table, { minFiles: 2 })

    const after = await answer()
    expect(before.pyiceberg.rows).toBe(8 * ROWS)
    expect(report).toMatchObject({ commits: 2, filesBefore: 30, filesAfter: 14, outdated: 0 })
    expect(after.pyiceberg).toEqual(before.pyiceberg)
    expect([before.files, after.files]).toEqual([30, 14])
    expect(after.snapshots.at(-1)![1]).toBe('replace')
  })

  it('moves rows to another partitioning', async () => {
    await evolveTable(lake, table, (base) =>
      withPartitioning(base, [{ sourceId: 2, name: 'at_month', transform: 'month' }]),
    )

    await compact(lake, table, { minFiles: 1, targetBytes: 10_000_000 })
    await readers.append(table)
    await compact(lake, table, { minFiles: 2 })

    const after = await answer()
    expect(after.pyiceberg.rows).toBe(16 * ROWS)
    expect(after.pyiceberg.price_sum).toBe((2 * Number(before.pyiceberg.price_sum)).toFixed(2))
  })

  it('rewrites manifests, lets snapshots go and removes what nobody names', async () => {
    const one = await answer()
    await rewriteManifests(lake, table)
    ahead = 3 * DAY_MS
    await expireSnapshots(lake, table, { atLeast: 1, currentWithinMs: 0 })
    const plan = await findOrphans(lake, table, { waiting: async () => new Set() })
    ahead += DAY_MS

    const report = await removeOrphans(lake, table, plan, {
      waiting: async () => new Set(),
      remover,
    })

    const after = await answer()
    expect(report.removed).toBe(plan.orphans.length)
    expect(report.removed).toBeGreaterThan(40)
    expect(after.pyiceberg).toEqual(one.pyiceberg)
    expect(after.snapshots).toHaveLength(1)
    const left: string[] = []
    for await (const { uri } of lake.objects.list((await loadTable(lake, table))!.location)) {
      left.push(uri)
    }
    expect(left.filter((uri) => uri.endsWith('.parquet'))).toHaveLength(after.files)
  })

  it('rolls back to what a reader saw then, and goes on', async () => {
    const then = await answer()
    const kept = (await loadTable(lake, table))!.currentSnapshot!.snapshotId
    await append(100 * ROWS)
    await append(101 * ROWS)

    await rollBack(lake, table, kept, { reason: 'a test' })
    expect((await answer()).pyiceberg).toEqual(then.pyiceberg)
    await expect(rollBack(lake, table, first, { reason: 'gone' })).rejects.toMatchObject({
      code: 'lake.snapshotGone',
    })
    await releaseHold(lake, table)
    await readers.append(table)

    expect((await answer()).pyiceberg.rows).toBe(32 * ROWS)
  })
})
