import { describe, expect, it } from 'vitest'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { withColumnRenamed } from '#lib/domain/lake/evolve-columns.ts'
import { withPartitioning } from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { type Fences, fencesProperty, fencesSummary } from '#lib/domain/lake/fences.ts'
import { listFiles } from '#lib/domain/lake/inspect/file-listing.ts'
import { snapshotAsOf } from '#lib/domain/lake/inspect/snapshot-at.ts'
import { diffSnapshots } from '#lib/domain/lake/inspect/snapshot-diff.ts'
import { snapshotHistory, writerOf } from '#lib/domain/lake/inspect/snapshot-history.ts'
import { summarizeTable } from '#lib/domain/lake/inspect/table-summary.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { type Lake, tableFrom } from '#lib/domain/lake/table.ts'
import { NAME, writeTrips } from '../lake-fixture.ts'
import {
  append,
  change,
  liveFiles,
  tableOf,
  tripsLake,
} from '../maintenance/maintenance-fixture.ts'

const at = (position: number): SequenceNumber => sequenceNumber(String(position))

async function entry(lake: Lake, fences: Fences, rows = 2): Promise<bigint> {
  const files = await writeTrips(lake, JSON.stringify(fences).replaceAll(/\W/g, ''), rows)
  const { snapshotId } = await commit(lake, NAME, () =>
    change({
      files,
      summary: fencesSummary(fences),
      setProperties: (id) => fencesProperty(id, fences),
    }),
  )
  return snapshotId!
}

describe('a table’s summary', () => {
  it('says what it amounts to', async () => {
    const lake = await tripsLake()
    expect(await summarizeTable(await tableOf(lake))).toEqual({
      rows: 0,
      files: 0,
      bytes: 0,
      averageFileBytes: 0,
      snapshots: 0,
    })
    for (const prefix of ['a', 'b']) await append(lake, prefix, 30)

    const files = await liveFiles(lake)
    const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    const table = await tableOf(lake)
    expect(await summarizeTable(table)).toEqual({
      rows: 60,
      files: 4,
      bytes,
      averageFileBytes: Math.round(bytes / 4),
      snapshots: 2,
      committedAtMs: table.currentSnapshot!.timestampMs,
    })
  })

  it('counts the files where an engine has left the totals out, and says why it is on hold', async () => {
    const lake = await tripsLake()
    const first = await entry(lake, { a: at(1) }, 30)
    await entry(lake, { a: at(2) })
    await rollBack(lake, NAME, first, { reason: 'a test' })
    const table = await tableOf(lake)
    const { 'total-records': _, ...summary } = table.metadata.snapshots[0]!.summary
    const bare = {
      ...table.metadata,
      snapshots: [{ ...table.metadata.snapshots[0]!, summary }],
    }

    const found = await summarizeTable(tableFrom(lake, NAME, bare, table.metadataLocation))

    expect(found).toMatchObject({ rows: 30, files: 2, onHold: 'a test' })
    expect(found).toMatchObject({ bytes: (await summarizeTable(table)).bytes })
  })
})

describe('a table’s history', () => {
  it('tells of each snapshot what came, what went, and whose fences moved', async () => {
    const lake = await tripsLake()
    await entry(lake, { a: at(1) })
    await entry(lake, { a: at(1), b: at(7) })
    for (const n of [2, 3, 4]) await entry(lake, { a: at(n), b: at(7) })
    await compact(lake, NAME)
    await commit(lake, NAME, async () =>
      change({
        files: await writeTrips(lake, 'foreign', 3),
        summary: { 'engine-name': 'spark', 'engine-version': '3.5' },
      }),
    )

    const history = snapshotHistory(await tableOf(lake))

    expect(history).toHaveLength(7)
    expect(history[0]).toMatchObject({
      operation: 'append',
      writer: 'spark 3.5',
      isCurrent: true,
      added: { rows: 3, files: 1 },
    })
    expect(history[1]).toMatchObject({
      operation: 'replace',
      maintenance: 'compaction',
      writer: 'Weir',
      isCurrent: false,
      isAncestor: true,
      added: { rows: 10, files: 1 },
      removed: { rows: 10, files: 5 },
      fencesMoved: [],
    })
    expect(history[5]!.fencesMoved).toEqual([{ shard: 'b', to: at(7) }])
    expect(history[4]!.fencesMoved).toEqual([{ shard: 'a', from: at(1), to: at(2) }])
    expect(history[6]!.fencesMoved).toEqual([{ shard: 'a', to: at(1) }])
  })

  it('shows what a rollback left behind, and that maintenance of manifests is Weir’s', async () => {
    const lake = await tripsLake()
    const first = await entry(lake, { a: at(1) })
    await entry(lake, { a: at(2) })
    await rewriteManifests(lake, NAME)
    await rollBack(lake, NAME, first, { reason: 'a test' })

    const history = snapshotHistory(await tableOf(lake))

    expect(history.map(({ isCurrent, isAncestor }) => [isCurrent, isAncestor])).toEqual([
      [false, false],
      [false, false],
      [true, true],
    ])
    expect(history[0]).toMatchObject({ maintenance: 'manifests', writer: 'Weir' })
  })

  it.each([
    [{ trino_query_id: 'x' }, 'Trino or Athena'],
    [{ 'spark.app.id': 'x' }, 'Spark'],
    [{ 'weir.fences': '{}' }, 'Weir'],
    // Who carries Weir's state on by its own name is still the engine that says so.
    [{ 'weir.fences': '{}', 'engine-name': 'flink' }, 'flink'],
    [{ operation: 'append' }, 'another engine'],
  ])('of a summary %j names %s', (summary, writer) => {
    expect(writerOf(summary as Record<string, string>)).toBe(writer)
  })
})

describe('the files of a table', () => {
  it('are listed by partition, with the bounds of a time', async () => {
    const lake = await tripsLake()
    await append(lake, 'b', 30)
    await append(lake, 'a', 2)

    const files = await listFiles(await tableOf(lake), { timeColumn: 'dropoff_at' })

    expect(files.map(({ partition, rows }) => [partition, rows])).toEqual([
      ['dropoff_at_day=2019-01-01', 2],
      ['dropoff_at_day=2019-01-01', 24],
      ['dropoff_at_day=2019-01-02', 6],
    ])
    expect(files[2]!.times).toEqual({
      min: BigInt(Date.UTC(2019, 0, 2)) * 1000n,
      max: BigInt(Date.UTC(2019, 0, 2, 5)) * 1000n,
    })
  })

  it.each([
    ['dropoff_at_day=2019-01-02', 1],
    ['2019-01-02', 1],
    ['2019-01-03', 0],
    ['dropoff_at_day', 0],
  ])('are those of partition %s', async (partition, count) => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)

    expect(await listFiles(await tableOf(lake), { partition })).toHaveLength(count)
  })
})

describe('the snapshot at a time', () => {
  it('is the one that was current then, also before a rollback', async () => {
    const lake = await tripsLake()
    const ids: bigint[] = []
    for (const n of [1, 2, 3]) {
      lake.clock.ms += 1_000
      ids.push(await entry(lake, { a: at(n) }))
    }
    const afterThird = lake.clock.ms
    lake.clock.ms += 1_000
    await rollBack(lake, NAME, ids[0]!, { reason: 'a test' })
    const table = await tableOf(lake)
    const [first] = table.snapshots

    expect(snapshotAsOf(table, first!.timestampMs).snapshotId).toBe(ids[0])
    expect(snapshotAsOf(table, afterThird).snapshotId).toBe(ids[2])
    expect(snapshotAsOf(table, lake.clock.ms).snapshotId).toBe(ids[0])
    expect(() => snapshotAsOf(table, first!.timestampMs - 1)).toThrow(
      expect.objectContaining({ code: 'lake.snapshotGone' }),
    )
  })
})

describe('the difference of two snapshots', () => {
  it('names files, rows, columns, partitioning and properties', async () => {
    const lake = await tripsLake()
    const first = await entry(lake, { a: at(1) }, 30)
    await evolveTable(lake, NAME, (metadata) =>
      withPartitioning(withColumnRenamed(metadata, 12, 'price'), []),
    )
    const second = await entry(lake, { a: at(2) }, 3)

    const diff = await diffSnapshots(lake.objects, await tableOf(lake), first, second)

    expect(diff).toMatchObject({
      rowsBefore: 30,
      rowsAfter: 33,
      added: { files: 1, rows: 3 },
      removed: { files: 0, rows: 0, bytes: 0, paths: [] },
      schema: ['- fare: decimal(9, 2), optional', '+ price: decimal(9, 2), optional'],
      partitioning: ['- dropoff_at_day by day'],
    })
    expect(diff.properties!.map(({ key }) => key)).toContain('weir.fences')
  })

  it('reads backwards too, and says what is not known any more', async () => {
    const lake = await tripsLake({ 'write.metadata.previous-versions-max': '1' })
    for (const n of [1, 2, 3]) await entry(lake, { a: at(n) })
    const table = await tableOf(lake)
    const [first, , third] = table.snapshots

    const diff = await diffSnapshots(lake.objects, table, third!.snapshotId, first!.snapshotId)

    expect(diff).toMatchObject({ rowsBefore: 6, rowsAfter: 2, removed: { files: 2 } })
    expect(diff.partitioning).toBeUndefined()
    expect(diff.properties).toBeUndefined()
  })
})
