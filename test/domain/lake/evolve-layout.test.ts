import { describe, expect, it } from 'vitest'
import { type Change, commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import {
  type NewPartitionField,
  withPartitioning,
  withSortOrder,
} from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { newTableMetadata } from '#lib/domain/lake/new-table.ts'
import type { SortOrder } from '#lib/domain/lake/sort-order.ts'
import { createTableIfAbsent, loadTable, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }
const EMPTY = newTableMetadata(CREATE, 'uuid', 0)
const DAY: NewPartitionField = { sourceId: 11, name: 'dropoff_at_day', transform: 'day' }
const HOUR: NewPartitionField = { sourceId: 11, name: 'dropoff_at_hour', transform: 'hour' }
const BUCKET: NewPartitionField = { sourceId: 10, name: 'trip_id_bucket', transform: 'bucket[8]' }

const change = (some: Partial<Change>): Change => ({
  files: [],
  summary: {},
  setProperties: () => ({}),
  ...some,
})

describe('another partitioning', () => {
  it('is a new spec beside the old one, with new ids for new fields only', () => {
    const evolved = withPartitioning(EMPTY, [DAY, BUCKET])

    expect(evolved['default-spec-id']).toBe(1)
    expect(evolved['last-partition-id']).toBe(1001)
    expect(evolved['partition-specs']).toEqual([
      EMPTY['partition-specs'][0],
      {
        'spec-id': 1,
        fields: [
          { 'source-id': 11, 'field-id': 1000, name: 'dropoff_at_day', transform: 'day' },
          { 'source-id': 10, 'field-id': 1001, name: 'trip_id_bucket', transform: 'bucket[8]' },
        ],
      },
    ])
  })

  it('is the old spec again if it was there before, and no change at all if it is there now', () => {
    const there = withPartitioning(EMPTY, [HOUR])
    const back = withPartitioning(there, [DAY])

    expect(withPartitioning(EMPTY, [DAY])).toBe(EMPTY)
    expect(back['default-spec-id']).toBe(0)
    expect(back['partition-specs']).toHaveLength(2)
    expect(withPartitioning(back, [HOUR, BUCKET])['partition-specs'][2]!.fields).toMatchObject([
      { 'field-id': 1001 },
      { 'field-id': 1002 },
    ])
    expect(withPartitioning(EMPTY, [])['partition-specs'][1]).toEqual({ 'spec-id': 1, fields: [] })
  })

  it.each<[string, readonly NewPartitionField[]]>([
    ['a transform that the column does not have', [{ ...DAY, sourceId: 10 }]],
    ['a name that meant something else before', [{ ...HOUR, name: DAY.name }]],
    ['the name of another column', [{ ...HOUR, name: 'trip_id' }]],
    ['one name for two fields', [DAY, { ...BUCKET, name: DAY.name }]],
  ])('is refused for %s', (_, fields) => {
    expect(() => withPartitioning(EMPTY, fields)).toThrow(
      expect.objectContaining({ code: 'lake.unsupportedPartition' }),
    )
  })

  it('leaves files where they are, and takes those of the old one that are still on their way', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const [before, onTheWay] = [await writeTrips(lake, 'a', 30), await writeTrips(lake, 'b', 30)]
    await commit(lake, NAME, () => change({ files: before }))

    await evolveTable(lake, NAME, (metadata) => withPartitioning(metadata, [HOUR, BUCKET]))
    const hourly: DataFile = {
      ...before[0]!,
      path: 's3://new',
      partition: { dropoff_at_hour: 429_528, trip_id_bucket: 3 },
    }
    await commit(lake, NAME, () => change({ files: [...onTheWay, hourly] }))

    const table = (await loadTable(lake, NAME))!
    const manifests = await manifestsOf(lake.objects, currentSnapshotOf(table.metadata))
    expect(manifests.map((line) => line.partitionSpecId).toSorted()).toEqual([0, 0, 1])
    expect(new Set(await table.liveFiles())).toEqual(new Set([...before, ...onTheWay, hourly]))
    expect(table.snapshots).toHaveLength(2)
  })

  it('starts from what a rival has changed meanwhile', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const files = await writeTrips(lake, 'a', 3)
    let rival: Promise<unknown> | undefined
    const racing = {
      ...lake,
      catalog: {
        load: lake.catalog.load.bind(lake.catalog),
        create: lake.catalog.create.bind(lake.catalog),
        swap: async (...args: Parameters<typeof lake.catalog.swap>) => {
          rival ??= commit(lake, NAME, () => change({ files }))
          await rival
          return await lake.catalog.swap(...args)
        },
      },
    }

    const { attempts, table } = await evolveTable(racing, NAME, (metadata) =>
      withPartitioning(metadata, [HOUR]),
    )

    expect(attempts).toBe(2)
    expect(table.spec.fields[0]).toMatchObject({ transform: 'hour', fieldId: 1001 })
    expect(await table.liveFiles()).toEqual(files)
    expect(table.metadata['metadata-log']).toHaveLength(2)
  })
})

describe('a sort order', () => {
  const ORDER: SortOrder = {
    fields: [
      { sourceId: 11, transform: 'day', direction: 'desc', nulls: 'last' },
      { sourceId: 10, transform: 'identity', direction: 'asc', nulls: 'first' },
    ],
  }

  it('stands in the metadata of a new table, beside the order of nothing', () => {
    const metadata = newTableMetadata({ ...CREATE, sortOrder: ORDER }, 'uuid', 0)

    expect(metadata['default-sort-order-id']).toBe(1)
    expect(metadata['sort-orders']).toEqual([
      { 'order-id': 0, fields: [] },
      {
        'order-id': 1,
        fields: [
          { transform: 'day', 'source-id': 11, direction: 'desc', 'null-order': 'nulls-last' },
          { transform: 'identity', 'source-id': 10, direction: 'asc', 'null-order': 'nulls-first' },
        ],
      },
    ])
  })

  it('can change, and change back, and be given up', () => {
    const one = withSortOrder(EMPTY, ORDER)
    const other = withSortOrder(one, { fields: ORDER.fields.slice(1) })

    expect(withSortOrder(EMPTY, { fields: [] })).toBe(EMPTY)
    expect(other['default-sort-order-id']).toBe(2)
    expect(withSortOrder(other, ORDER)).toMatchObject({ 'default-sort-order-id': 1 })
    expect(withSortOrder(other, { fields: [] })).toMatchObject({ 'default-sort-order-id': 0 })
    expect(withSortOrder(other, ORDER)['sort-orders']).toHaveLength(3)
  })

  it('is refused by what has no order', () => {
    const by = (sourceId: number): SortOrder => ({
      fields: [{ sourceId, transform: 'hour', direction: 'asc', nulls: 'first' }],
    })

    expect(() => withSortOrder(EMPTY, by(10))).toThrow(
      expect.objectContaining({ code: 'lake.unsupportedSortOrder' }),
    )
  })

  it('that a file has goes with it into the table', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, { ...CREATE, sortOrder: ORDER })
    const [file] = await writeTrips(lake, 'a', 3)
    const files = [file!, { ...file!, path: 's3://sorted', sortOrderId: 1 }]

    const { table } = await commit(lake, NAME, () => change({ files }))

    expect(await table.liveFiles()).toEqual(files)
  })
})
