import { describe, expect, it } from 'vitest'
import { commit } from '#lib/domain/lake/commit.ts'
import { createTableIfAbsent, loadTable, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }

describe('creating a table', () => {
  it('makes an empty table once and finds it afterwards', async () => {
    const lake = memoryLake()

    const created = await createTableIfAbsent(lake, CREATE)
    const again = await createTableIfAbsent(lake, CREATE)

    expect(created.currentSnapshot).toBeUndefined()
    expect(await created.liveFiles()).toEqual([])
    expect(again.metadata['table-uuid']).toBe(created.metadata['table-uuid'])
    expect(again.schema).toEqual(TRIPS)
    expect(again.spec).toEqual(BY_DAY)
  })

  it('answers undefined for a table that is not there', async () => {
    expect(await loadTable(memoryLake(), NAME)).toBeUndefined()
  })
})

describe('appending', () => {
  it('puts files, summary and properties into the table in one swap', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const files = await writeTrips(lake, 'a', 48)

    const result = await commit(lake, NAME, () => ({
      files,
      summary: { 'weir.entries': '3' },
      setProperties: (snapshotId) => ({ 'weir.fences': `${snapshotId}` }),
    }))

    const table = (await loadTable(lake, NAME))!
    expect(result.committed).toBe(true)
    expect(result.attempts).toBe(1)
    expect(table.currentSnapshot?.snapshotId).toBe(result.snapshotId)
    expect(table.properties['weir.fences']).toBe(String(result.snapshotId))
    expect(table.currentSnapshot?.summary).toEqual({
      operation: 'append',
      'weir.entries': '3',
      'added-data-files': '2',
      'added-records': '48',
      'added-files-size': String(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      'changed-partition-count': '2',
      'total-records': '48',
      'total-files-size': String(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      'total-data-files': '2',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
    expect(await table.liveFiles()).toEqual(files)
    // Descriptions wait as JSON between whoever wrote the files and the committer.
    expect(JSON.parse(JSON.stringify(files))).toEqual(files)
    expect(result.table.metadata).toEqual(table.metadata)
  })

  it('keeps earlier snapshots readable and knows which led to the current one', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const append = async (prefix: string) => {
      const files = await writeTrips(lake, prefix, 24)
      const decide = () => ({ files, summary: {}, setProperties: () => ({}) })
      return (await commit(lake, NAME, decide)).snapshotId!
    }

    const ids = [await append('a'), await append('b'), await append('c')]

    const table = (await loadTable(lake, NAME))!
    expect(table.snapshots.map(({ snapshotId }) => snapshotId)).toEqual(ids)
    expect(ids.map((id) => table.isAncestor(id))).toEqual([true, true, true])
    expect(table.isAncestor(1n)).toBe(false)
    expect(table.snapshots.map(({ sequenceNumber }) => sequenceNumber)).toEqual([1, 2, 3])
    expect(table.currentSnapshot?.summary['total-records']).toBe('72')
    expect((await table.liveFiles()).map(({ path }) => path).sort()).toEqual(
      ['a', 'b', 'c'].map(
        (prefix) => `${LOCATION}/data/dropoff_at_day=2019-01-01/${prefix}.parquet`,
      ),
    )
  })

  it('moves the main branch and gives the files of each commit its own sequence number', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    for (const prefix of ['a', 'b']) {
      const files = await writeTrips(lake, prefix, 1)
      await commit(lake, NAME, () => ({ files, summary: {}, setProperties: () => ({}) }))
    }

    const { metadata } = (await loadTable(lake, NAME))!

    const current = currentSnapshotOf(metadata)!
    const manifests = await manifestsOf(lake.objects, current)
    expect(metadata.refs).toEqual({
      main: { 'snapshot-id': current['snapshot-id'], type: 'branch' },
    })
    expect(manifests.map((line) => [line.sequenceNumber, line.minSequenceNumber])).toEqual([
      [2n, 2n],
      [1n, 1n],
    ])
    expect(metadata['last-sequence-number']).toBe(2)
  })

  it('takes an append without files as a snapshot that only sets properties', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)

    const empty = await commit(lake, NAME, () => ({
      files: [],
      summary: {},
      setProperties: () => ({ 'weir.watermark': '7' }),
    }))

    expect(empty.committed).toBe(true)
    expect(empty.table.properties['weir.watermark']).toBe('7')
    expect(await empty.table.liveFiles()).toEqual([])
  })

  it('does nothing if nothing is left to do', async () => {
    const lake = memoryLake()
    const before = await createTableIfAbsent(lake, CREATE)

    const result = await commit(lake, NAME, () => undefined)

    expect(result.committed).toBe(false)
    expect(result.snapshotId).toBeUndefined()
    expect((await loadTable(lake, NAME))!.metadataLocation).toBe(before.metadataLocation)
  })

  it('never lets time go back, whatever the clock says', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const decide = () => ({ files: [], summary: {}, setProperties: () => ({}) })
    await commit({ ...lake, clock: { nowMs: () => 5_000_000_000_000 } }, NAME, decide)

    await commit({ ...lake, clock: { nowMs: () => 1 } }, NAME, decide)

    const { metadata } = (await loadTable(lake, NAME))!
    const times = metadata['snapshot-log'].map((entry) => entry['timestamp-ms'])
    expect(times).toEqual([5_000_000_000_000, 5_000_000_000_001])
    expect(metadata['last-updated-ms']).toBe(5_000_000_000_001)
  })

  it('bounds the log of earlier metadata and still deletes none of it', async () => {
    const lake = memoryLake()
    const properties = { 'write.metadata.previous-versions-max': '2' }
    const { metadataLocation } = await createTableIfAbsent(lake, { ...CREATE, properties })
    const decide = () => ({ files: [], summary: {}, setProperties: () => ({}) })

    for (let times = 0; times < 4; times++) await commit(lake, NAME, decide)

    const { metadata } = (await loadTable(lake, NAME))!
    expect(metadata['metadata-log']).toHaveLength(2)
    expect(await lake.objects.get(metadataLocation)).toBeDefined()
  })

  it('refuses a file named twice, a file without its partition value, and a table that is not there', async () => {
    const lake = memoryLake()
    await createTableIfAbsent(lake, CREATE)
    const [file] = await writeTrips(lake, 'a', 1)
    const append = (files: (typeof file)[]) =>
      commit(lake, NAME, () => ({
        files: files.map((one) => one!),
        summary: {},
        setProperties: () => ({}),
      }))

    await expect(append([file, file])).rejects.toMatchObject({ code: 'lake.duplicateFile' })
    await expect(append([{ ...file!, partition: {} }])).rejects.toMatchObject({
      code: 'lake.partitionMismatch',
    })
    await expect(
      commit(lake, { database: 'cell', name: 'none' }, () => undefined),
    ).rejects.toMatchObject({ code: 'lake.tableNotFound' })
  })
})
