import { describe, expect, it } from 'vitest'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { withColumnRenamed, withoutColumn } from '#lib/domain/lake/evolve-columns.ts'
import { withPartitioning, withSortOrder } from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import {
  fencesProperty,
  fencesSummary,
  HOLD_PROPERTY,
  readFences,
} from '#lib/domain/lake/fences.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { planCompaction, type WornFile } from '#lib/domain/lake/maintenance/plan-compaction.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { valueAt } from '#test/support/columns.ts'
import { FaultyCatalog } from '../faulty-catalog.ts'
import { interrupted, NAME, writeTrips } from '../lake-fixture.ts'
import {
  append,
  change,
  DAY_MS,
  liveFiles,
  rowsOf,
  tableOf,
  tripsLake,
} from './maintenance-fixture.ts'

async function smallFiles(commits = 6) {
  const lake = await tripsLake()
  for (let at = 0; at < commits; at++) await append(lake, `f${at}`, 30 + at)
  return lake
}

describe('compaction', () => {
  it('makes one file of the small ones of a partition, and changes no row', async () => {
    const lake = await smallFiles()
    const before = await rowsOf(lake)

    const report = await compact(lake, NAME)

    const { currentSnapshot } = await tableOf(lake)
    expect(await rowsOf(lake)).toEqual(before)
    expect((await liveFiles(lake)).map(({ partition }) => partition.dropoff_at_day)).toEqual([
      17_897, 17_898,
    ])
    expect(report).toMatchObject({ commits: 1, filesBefore: 12, filesAfter: 2, rows: 195 })
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore)
    expect(currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'added-records': '195',
      'deleted-records': '195',
      'total-records': '195',
      'total-data-files': '2',
    })
  })

  it('does nothing a second time, nor where there is nothing to gain', async () => {
    const lake = await smallFiles()
    await compact(lake, NAME)
    const { metadataLocation } = await tableOf(lake)

    const report = await compact(lake, NAME)

    expect(report).toMatchObject({ commits: 0, filesBefore: 0, rows: 0 })
    expect((await tableOf(lake)).metadataLocation).toBe(metadataLocation)
  })

  it('leaves the fences where they are', async () => {
    const lake = await smallFiles()
    const fences = { a: 'start' } as const
    await commit(lake, NAME, () =>
      change({ summary: fencesSummary(fences), setProperties: (id) => fencesProperty(id, fences) }),
    )

    await compact(lake, NAME)

    const table = await tableOf(lake)
    expect(await readFences(table)).toEqual(fences)
    expect(table.currentSnapshot?.summary).toMatchObject(fencesSummary(fences))
  })

  it('sorts rows as the table wants it, and says so', async () => {
    const lake = await smallFiles()
    await evolveTable(lake, NAME, (base) =>
      withSortOrder(base, {
        fields: [
          { sourceId: 12, transform: 'identity', direction: 'desc', nulls: 'first' },
          { sourceId: 10, transform: 'identity', direction: 'asc', nulls: 'first' },
        ],
      }),
    )
    const before = await rowsOf(lake)

    await compact(lake, NAME)

    const table = await tableOf(lake)
    const [file] = await table.liveFiles()
    const { columns, rows } = await readDataFile(lake.objects, file!, table.schema)
    const found = Array.from({ length: rows }, (_, row) => [
      valueAt(columns.get('fare')!, row) as bigint | null,
      valueAt(columns.get('trip_id')!, row) as string,
    ])
    const expected = found.toSorted(([fare, id], [otherFare, otherId]) => {
      if (fare !== otherFare) {
        if (fare === null) return -1
        return otherFare === null ? 1 : Number((otherFare as bigint) - (fare as bigint))
      }
      return id! < otherId! ? -1 : 1
    })
    expect(file!.sortOrderId).toBe(1)
    expect(found[0]![0]).toBeNull()
    expect(found).toEqual(expected)
    expect(await rowsOf(lake)).toEqual(before)
  })

  it('puts old files where today’s partitioning wants their rows, under today’s columns', async () => {
    const lake = await smallFiles()
    await evolveTable(lake, NAME, (base) =>
      withPartitioning(withColumnRenamed(base, 12, 'price'), [
        { sourceId: 11, name: 'dropoff_month', transform: 'month' },
        { sourceId: 10, name: 'trip_bucket', transform: 'bucket[3]' },
      ]),
    )
    const before = await rowsOf(lake)

    await compact(lake, NAME)
    const once = await liveFiles(lake)
    await compact(lake, NAME, { minFiles: 2 })

    const partitions = (await liveFiles(lake)).map(({ partition }) => JSON.stringify(partition))
    expect(once).toHaveLength(6)
    expect(partitions.toSorted()).toEqual(
      [0, 1, 2].map((bucket) => JSON.stringify({ dropoff_month: 588, trip_bucket: bucket })),
    )
    expect(await rowsOf(lake)).toEqual(before)
  })

  it('is refused on hold', async () => {
    const held = await smallFiles()
    await commit(held, NAME, () => change({ setProperties: () => ({ [HOLD_PROPERTY]: 'why' }) }))

    await expect(compact(held, NAME)).rejects.toMatchObject({ code: 'lake.onHold' })
  })
})

describe('compaction beside others', () => {
  it('keeps what is appended meanwhile', async () => {
    const lake = await smallFiles()
    let late: readonly DataFile[] = []
    const busy = interrupted(lake, async () => {
      late = await append(lake, 'late', 5)
    })

    const report = await compact(busy, NAME)

    expect(report).toMatchObject({ filesBefore: 12, filesAfter: 2, outdated: 0 })
    expect((await liveFiles(lake)).map(({ path }) => path)).toContain(late[0]!.path)
    expect(await rowsOf(lake)).toHaveLength(200)
  })

  it('commits nothing to a table that was put on hold meanwhile', async () => {
    const lake = await smallFiles()
    const busy = interrupted(lake, () =>
      commit(lake, NAME, () => change({ setProperties: () => ({ [HOLD_PROPERTY]: 'why' }) })),
    )

    await expect(compact(busy, NAME)).rejects.toMatchObject({ code: 'lake.onHold' })
    expect(await liveFiles(lake)).toHaveLength(12)
  })

  it('leaves files to whoever has removed or replaced some of them, and commits the others', async () => {
    const lake = await smallFiles()
    const [victim] = await liveFiles(lake)
    const busy = interrupted(lake, () =>
      commit(lake, NAME, () => change({ removed: [victim!.path] })),
    )

    const report = await compact(busy, NAME)

    const live = await liveFiles(lake)
    const isVictims = ({ partition }: DataFile) =>
      partition.dropoff_at_day === victim!.partition.dropoff_at_day
    expect(report).toMatchObject({ filesBefore: 6, filesAfter: 1, outdated: 6 })
    expect(live.filter(isVictims)).toHaveLength(5)
    expect(live.filter((file) => !isVictims(file))).toHaveLength(1)
    expect(await rowsOf(lake)).toHaveLength(195 - victim!.recordCount)
  })

  it('counts once whose answer was lost, and gives way to a second one', async () => {
    const lake = await smallFiles()
    const before = await rowsOf(lake)
    const catalog = new FaultyCatalog(lake.catalog, ['answer lost'])

    const report = await compact({ ...lake, catalog }, NAME)

    expect(report).toMatchObject({ commits: 1, filesBefore: 12, filesAfter: 2, outdated: 0 })
    expect(await rowsOf(lake)).toEqual(before)

    const rival = await smallFiles()
    const slow = await compact(
      interrupted(rival, () => compact(rival, NAME)),
      NAME,
    )
    expect(slow).toMatchObject({ commits: 0, filesBefore: 0, outdated: 12 })
    expect(await rowsOf(rival)).toEqual(before)
  })

  it('does not commit over a column that was taken back in meanwhile', async () => {
    const lake = await smallFiles()
    const before = await rowsOf(lake)
    const { metadata } = await tableOf(lake)
    await evolveTable(lake, NAME, (base) => withoutColumn(base, 12))
    const busy = interrupted(lake, () =>
      evolveTable(lake, NAME, (base) => ({
        ...base,
        'current-schema-id': metadata['current-schema-id'],
      })),
    )

    const report = await compact(busy, NAME)

    expect(report).toMatchObject({ commits: 0, outdated: 12 })
    expect(await rowsOf(lake)).toEqual(before)
  })

  it('starts again rather than commit files that orphan removal may have taken', async () => {
    const lake = await smallFiles()
    const before = await rowsOf(lake)
    const slept = interrupted(lake, async () => {
      lake.clock.ms += DAY_MS
      await append(lake, 'late', 1)
    })

    await expect(compact(slept, NAME)).rejects.toMatchObject({
      code: 'lake.filesStale',
      retryable: true,
    })
    expect((await rowsOf(lake)).length).toBe(before.length + 1)
  })

  it('stops where a file does not hold what the table says of it', async () => {
    const lake = await smallFiles()
    const [file] = await liveFiles(lake)
    const other = (await writeTrips(lake, 'other', 7))[0]!
    await lake.objects.put(file!.path, await lake.objects.get(other.path))

    await expect(compact(lake, NAME)).rejects.toMatchObject({ code: 'lake.corruptFile' })
  })
})

describe('the plan of a compaction', () => {
  const file = (
    name: string,
    sizeBytes: number,
    { day = 1, recordCount = 10, deletedRows = 0, specId = 0 } = {},
  ): WornFile => ({
    data: {
      file: described(name, sizeBytes, day, recordCount),
      specId,
      format: 'PARQUET',
      sequenceNumber: 1n,
      snapshotId: 1n,
    },
    deletedRows,
  })
  const described = (
    name: string,
    sizeBytes: number,
    day: number,
    recordCount: number,
  ): DataFile => ({
    path: `s3://${name}`,
    partition: { dropoff_at_day: day },
    sizeBytes,
    recordCount,
    columnSizes: {},
    valueCounts: {},
    nullCounts: {},
    nanCounts: {},
    lowerBounds: {},
    upperBounds: {},
    splitOffsets: [],
  })
  const plan = (files: readonly WornFile[], sizes = {}) =>
    planCompaction(files, { targetBytes: 100, minFiles: 3, ...sizes }).map((bin) =>
      bin.map(({ file: { path } }) => path.slice(5)),
    )

  it('fills files up to the target with neighbours, and leaves those that are large enough', () => {
    const files = ['d', 'c', 'b', 'a'].map((name) => file(name, 30))

    expect(plan([...files, file('e', 75)])).toEqual([['a', 'b', 'c']])
    expect(plan(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => file(name, 30)))).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ])
  })

  it('does not touch few small files, unless they make a large one', () => {
    expect(plan([file('a', 10), file('b', 10)])).toEqual([])
    expect(plan([file('a', 40), file('b', 40)])).toEqual([['a', 'b']])
    expect(plan([file('a', 10)], { minFiles: 1 })).toEqual([])
  })

  it('keeps partitions and specs apart', () => {
    const days = [1, 2].flatMap((day) =>
      ['a', 'b', 'c'].map((name) => file(name + day, 10, { day })),
    )
    expect(plan(days)).toEqual([
      ['a1', 'b1', 'c1'],
      ['a2', 'b2', 'c2'],
    ])
    const later = ['x', 'y', 'z'].map((name) => file(name, 10, { specId: 1 }))
    expect(plan([...days, ...later]).map((bin) => bin.length)).toEqual([3, 3, 3])
  })

  it('takes a file with many deleted rows, however large and alone it is', () => {
    const large = (deletedRows: number) => [file('a', 500, { recordCount: 100, deletedRows })]

    expect(plan(large(10))).toEqual([])
    expect(plan(large(11))).toEqual([['a']])
    expect(plan(large(1), { mostDeleted: 0 })).toEqual([['a']])
    expect(plan(large(0), { mostDeleted: 0 })).toEqual([])
  })

  it('holds no more rows at once than it may', () => {
    const files = ['a', 'b', 'c', 'd'].map((name) => file(name, 1, { recordCount: 50 }))

    expect(plan(files, { mostRows: 100, minFiles: 2 })).toEqual([
      ['a', 'b'],
      ['c', 'd'],
    ])
  })
})
