import { describe, expect, it } from 'vitest'
import type { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { takeRows } from '#lib/domain/kernel/columns.ts'
import { type AvroSchema, decodeAvro, encodeAvro } from '#lib/domain/lake/avro.ts'
import { type Change, commit } from '#lib/domain/lake/commit.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import type { ManifestFile } from '#lib/domain/lake/manifest.ts'
import { type EntryRecord, liveEntries } from '#lib/domain/lake/manifest-entry.ts'
import { codeNames } from '#lib/domain/lake/manifest-schema.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { createTableIfAbsent, type Lake, loadTable, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { writePositionDeletes } from '#lib/domain/lake/write-position-deletes.ts'
import { valueAt } from '#test/support/columns.ts'
import { FaultyCatalog } from './faulty-catalog.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }

async function filledLake(...prefixes: readonly string[]) {
  const lake = memoryLake()
  await createTableIfAbsent(lake, CREATE)
  const files: (readonly DataFile[])[] = []
  for (const prefix of prefixes) {
    const added = await writeTrips(lake, prefix, 48)
    await commit(lake, NAME, () => change({ files: added }))
    files.push(added)
  }
  return { lake, files }
}

function change(some: Partial<Change>): Change {
  return { files: [], summary: {}, setProperties: () => ({}), ...some }
}

/** A file without the first row of another, in its place. */
async function withoutFirstRow(lake: Lake, file: DataFile, name: string): Promise<DataFile> {
  const batch = await readDataFile(lake.objects, file, TRIPS)
  const rows = Array.from({ length: batch.rows - 1 }, (_, row) => row + 1)
  const encoded = encodeParquet(TRIPS, takeRows(batch, rows))
  const path = file.path.replace(/[^/]+$/, `${name}.parquet`)
  await lake.objects.putIfAbsent(path, encoded.bytes)
  return dataFile(path, file.partition, encoded)
}

async function manifests(lake: Lake): Promise<readonly ManifestFile[]> {
  const { metadata } = (await loadTable(lake, NAME))!
  return await manifestsOf(lake.objects, currentSnapshotOf(metadata))
}

async function entriesOf(lake: Lake, manifest: ManifestFile): Promise<readonly EntryRecord[]> {
  const { records } = decodeAvro(await lake.objects.get(manifest.manifestPath), codeNames)
  return records as readonly EntryRecord[]
}

async function livePaths(lake: Lake): Promise<readonly string[]> {
  return (await (await loadTable(lake, NAME))!.liveFiles()).map(({ path }) => path).toSorted()
}

describe('replacing files', () => {
  it('puts the new files in the place of the old ones, in one snapshot that counts both', async () => {
    const { lake, files } = await filledLake('a', 'b')
    const [old, other] = files[0]!
    const added = await withoutFirstRow(lake, old!, 'a2')

    const { table } = await commit(lake, NAME, () =>
      change({ files: [added], removed: [old!.path] }),
    )

    const total = [added, other!, ...files[1]!].reduce((sum, file) => sum + file.sizeBytes, 0)
    expect(await livePaths(lake)).toEqual(
      [added, other!, ...files[1]!].map(({ path }) => path).toSorted(),
    )
    expect(table.currentSnapshot?.summary).toEqual({
      operation: 'overwrite',
      'added-data-files': '1',
      'added-records': '23',
      'added-files-size': String(added.sizeBytes),
      'deleted-data-files': '1',
      'deleted-records': '24',
      'removed-files-size': String(old!.sizeBytes),
      'changed-partition-count': '1',
      'total-records': '95',
      'total-files-size': String(total),
      'total-data-files': '4',
      'total-delete-files': '0',
      'total-position-deletes': '0',
      'total-equality-deletes': '0',
    })
  })

  it('says of each old file when it came and when it went, and leaves other manifests alone', async () => {
    const { lake, files } = await filledLake('a', 'b')
    const [untouched, rewritten] = await manifests(lake)
    const [old, other] = files[0]!
    const added = await withoutFirstRow(lake, old!, 'a2')

    const { snapshotId } = await commit(lake, NAME, () =>
      change({ files: [added], removed: [old!.path] }),
    )

    const after = await manifests(lake)
    expect(after).toHaveLength(3)
    expect(after[2]).toEqual(untouched)
    expect(after[1]).toMatchObject({
      sequenceNumber: 3n,
      minSequenceNumber: 1n,
      addedSnapshotId: snapshotId,
      addedFilesCount: 0,
      existingFilesCount: 1,
      deletedFilesCount: 1,
      addedRowsCount: 0n,
      existingRowsCount: 24n,
      deletedRowsCount: 24n,
      partitions: rewritten!.partitions,
    })
    const [gone, kept] = await entriesOf(lake, after[1]!)
    expect(gone).toMatchObject({
      status: 2,
      snapshotId,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      dataFile: { filePath: old!.path },
    })
    expect(kept).toMatchObject({
      status: 0,
      snapshotId: rewritten!.addedSnapshotId,
      sequenceNumber: 1n,
      fileSequenceNumber: 1n,
      dataFile: { filePath: other!.path },
    })
  })

  it('keeps the sequence numbers of files through any number of rewrites', async () => {
    const { lake, files } = await filledLake('a')
    const [first, second] = files[0]!

    await commit(lake, NAME, () => change({ removed: [first!.path] }))
    await commit(lake, NAME, () => change({ files: [], summary: { nothing: 'new' } }))
    const replaced = await withoutFirstRow(lake, second!, 'a2')
    await commit(lake, NAME, () => change({ files: [replaced], removed: [second!.path] }))

    const [, last] = await manifests(lake)
    // What an earlier snapshot deleted is not said again.
    expect(await entriesOf(lake, last!)).toMatchObject([
      { status: 2, sequenceNumber: 1n, dataFile: { filePath: second!.path } },
    ])
    expect([last!.sequenceNumber, last!.minSequenceNumber]).toEqual([4n, 4n])
  })

  it('takes a removal without replacement as a delete, and forgets its manifest afterwards', async () => {
    const { lake, files } = await filledLake('a', 'b')
    const removed = files[0]!.map(({ path }) => path)

    const { table } = await commit(lake, NAME, () => change({ removed }))

    expect(table.currentSnapshot?.summary).toMatchObject({
      operation: 'delete',
      'deleted-data-files': '2',
      'deleted-records': '48',
      'total-records': '48',
    })
    expect(table.currentSnapshot?.summary).not.toHaveProperty('added-records')
    expect(await manifests(lake)).toHaveLength(2)
    await commit(lake, NAME, () => change({}))
    expect(await manifests(lake)).toHaveLength(1)
    expect(await livePaths(lake)).toEqual(files[1]!.map(({ path }) => path).toSorted())
  })

  it('leaves earlier snapshots as they were', async () => {
    const { lake, files } = await filledLake('a')
    const before = (await loadTable(lake, NAME))!

    await commit(lake, NAME, () => change({ removed: [files[0]![0]!.path] }))

    expect(await before.liveFiles()).toEqual(files[0])
  })

  it('refuses to remove what is not there, or to add what it removes', async () => {
    const { lake, files } = await filledLake('a')
    const [file] = files[0]!
    await commit(lake, NAME, () => change({ removed: [file!.path] }))
    const before = (await loadTable(lake, NAME))!.metadataLocation

    await expect(
      commit(lake, NAME, () => change({ removed: [file!.path, files[0]![1]!.path] })),
    ).rejects.toMatchObject({ code: 'lake.inputGone', retryable: false })
    await expect(
      commit(lake, NAME, () => change({ files: [file!], removed: [file!.path] })),
    ).rejects.toMatchObject({ code: 'lake.duplicateFile' })
    expect((await loadTable(lake, NAME))!.metadataLocation).toBe(before)
  })

  it('keeps partition values and unknown spec of a manifest that another engine wrote', async () => {
    const { lake, files } = await filledLake('a')
    const schema: AvroSchema = JSON.parse(
      decodeAvro(await lake.objects.get((await manifests(lake))[0]!.manifestPath), codeNames)
        .metadata['avro.schema']!.replaceAll('dropoff_at_day', 'day_of_dropoff')
        .replaceAll('"file_path"', '"filePath"'),
    )
    const [line] = await manifests(lake)
    const entries = await entriesOf(lake, line!)
    const nulled = entries.map((entry) => ({ ...entry, snapshotId: null }))
    await lake.objects.put(
      line!.manifestPath,
      encodeAvro(schema, codeNames, nulled, { 'schema-id': '0', note: 'theirs' }),
    )

    await commit(lake, NAME, () => change({ removed: [files[0]![0]!.path] }))

    const [rewritten] = await manifests(lake)
    const file = decodeAvro(await lake.objects.get(rewritten!.manifestPath), codeNames)
    expect(file.metadata).toMatchObject({ note: 'theirs', content: 'data', 'format-version': '2' })
    expect(file.metadata['avro.schema']).toContain('day_of_dropoff')
    expect(file.records[1]).toMatchObject({ snapshotId: line!.addedSnapshotId, status: 0 })
    expect(await (await loadTable(lake, NAME))!.liveFiles()).toEqual([files[0]![1]])
  })

  it('refuses to replace a file whose deleted rows it has not looked at: they would come back', async () => {
    const { lake, files } = await filledLake('a')
    const table = (await loadTable(lake, NAME))!
    const [data] = (await table.contents()).data
    const deletes = await writePositionDeletes(lake, table, [{ data: data!, positions: [3] }])
    await commit(lake, NAME, () => change({ deletes }))
    const [old, other] = files[0]!
    const [ours, theirs] = [
      await withoutFirstRow(lake, old!, 'ours'),
      await withoutFirstRow(lake, other!, 'theirs'),
    ]

    await expect(
      commit(lake, NAME, () => change({ files: [ours], removed: [old!.path] })),
    ).rejects.toMatchObject({ code: 'lake.rowDeletes', context: { path: old!.path } })
    // Nothing of this one is deleted.
    await commit(lake, NAME, () => change({ files: [theirs], removed: [other!.path] }))
    const applied = deletes.map(({ path }) => path)
    await commit(lake, NAME, () => change({ files: [ours], removed: [old!.path], applied }))

    expect(await livePaths(lake)).toEqual([ours.path, theirs.path].toSorted())
  })
})

describe('a replacement that meets others', () => {
  it('asks anew after a conflict, and finds that its input is gone', async () => {
    const { lake, files } = await filledLake('a')
    const [old] = files[0]!
    const [ours, theirs] = [
      await withoutFirstRow(lake, old!, 'ours'),
      await withoutFirstRow(lake, old!, 'theirs'),
    ]
    let asked = 0

    const replacing = commit(lake, NAME, async () => {
      if (++asked === 1) {
        await commit(lake, NAME, () => change({ files: [theirs], removed: [old!.path] }))
      }
      return change({ files: [ours], removed: [old!.path] })
    })

    await expect(replacing).rejects.toMatchObject({ code: 'lake.inputGone' })
    expect(asked).toBe(2)
    expect(await livePaths(lake)).toEqual([files[0]![1]!.path, theirs.path].toSorted())
  })

  it('keeps what is appended meanwhile, and writes each manifest once', async () => {
    const { lake, files } = await filledLake('a', 'b')
    const [old] = files[0]!
    const replaced = await withoutFirstRow(lake, old!, 'a2')
    const appended = await writeTrips(lake, 'c', 3)
    const before = await manifestCount(lake)
    let asked = 0

    const { attempts } = await commit(lake, NAME, async () => {
      if (++asked === 1) await commit(lake, NAME, () => change({ files: appended }))
      return change({ files: [replaced], removed: [old!.path] })
    })

    expect(attempts).toBe(2)
    // The rival's, that of the new file, and the one without the old file.
    expect((await manifestCount(lake)) - before).toBe(3)
    expect(await livePaths(lake)).toEqual(
      [replaced, files[0]![1]!, ...files[1]!, ...appended].map(({ path }) => path).toSorted(),
    )
  })

  it('rewrites anew what a rival has rewritten', async () => {
    const { lake, files } = await filledLake('a')
    const [first, second] = files[0]!
    let asked = 0

    await commit(lake, NAME, async () => {
      if (++asked === 1) await commit(lake, NAME, () => change({ removed: [second!.path] }))
      return change({ removed: [first!.path] })
    })

    expect(await livePaths(lake)).toEqual([])
  })

  it('takes no manifest of an attempt that removed other files', async () => {
    const { lake: good, files } = await filledLake('a')
    const lake = { ...good, catalog: new FaultyCatalog(good.catalog, ['never applied']) }
    let asked = 0

    await commit(lake, NAME, () =>
      change({ removed: files[0]!.slice(0, ++asked).map(({ path }) => path) }),
    )

    expect(asked).toBe(2)
    expect(await livePaths(lake)).toEqual([])
  })

  it('is done if its answer was lost, and says which snapshot it was', async () => {
    const { lake: good, files } = await filledLake('a')
    const lake = {
      ...good,
      catalog: new FaultyCatalog(good.catalog as MemoryCatalog, ['repeated']),
    }
    const [old] = files[0]!
    const added = await withoutFirstRow(lake, old!, 'a2')

    const result = await commit(lake, NAME, async (table) => {
      const live = (await table.liveFiles()).some(({ path }) => path === old!.path)
      return live ? change({ files: [added], removed: [old!.path] }) : undefined
    })

    expect(result).toMatchObject({ committed: true, attempts: 2 })
    expect(result.snapshotId).toBe(result.table.currentSnapshot?.snapshotId)
  })
})

async function manifestCount(lake: Lake): Promise<number> {
  let count = 0
  for await (const { uri } of lake.objects.list(`${LOCATION}/metadata/`)) {
    if (uri.endsWith('-m0.avro')) count++
  }
  return count
}

describe('the entries of a manifest', () => {
  const entry = (status: number, sequenceNumber: bigint | null): EntryRecord => ({
    status,
    snapshotId: null,
    sequenceNumber,
    dataFile: {
      filePath: 's3://f',
      fileFormat: 'PARQUET',
      partition: {},
      recordCount: 1n,
      fileSizeInBytes: 1n,
    },
  })
  const numbersOf = (manifest: { sequenceNumber: bigint }, ...entries: readonly EntryRecord[]) =>
    liveEntries(entries, { addedSnapshotId: 7n, ...manifest } as ManifestFile).map((one) => [
      one.snapshotId,
      one.sequenceNumber,
      one.fileSequenceNumber,
    ])

  it('inherit numbers only if they were added, or if the table had none then', () => {
    expect(numbersOf({ sequenceNumber: 5n }, entry(1, null), entry(0, 3n), entry(2, 3n))).toEqual([
      [7n, 5n, 5n],
      [7n, 3n, null],
    ])
    expect(numbersOf({ sequenceNumber: 0n }, entry(0, null))).toEqual([[7n, 0n, 0n]])
  })
})

describe('the rows of a live file', () => {
  it('come back under the names of today’s schema, with nulls for what is newer than the file', async () => {
    const { lake, files } = await filledLake('a')
    const [id, , fare] = TRIPS.fields
    const schema = {
      fields: [
        { ...fare!, name: 'price' },
        id!,
        { id: 77, name: 'tip', required: false, type: 'double' as const },
      ],
    }

    const batch = await readDataFile(lake.objects, files[0]![0]!, schema)

    expect([...batch.columns.keys()]).toEqual(['price', 'trip_id', 'tip'])
    const found = Array.from({ length: batch.rows }, (_, row) =>
      [...batch.columns.values()].map((column) => valueAt(column, row)),
    )
    expect(found).toHaveLength(24)
    expect(found[3]).toEqual([375n, 'a-3', null])
    expect(found[6]).toEqual([null, 'a-6', null])
  })

  it('are refused if the object is not the file that the table speaks of', async () => {
    const { lake, files } = await filledLake('a')
    const [file] = files[0]!
    const corrupt = expect.objectContaining({ code: 'lake.corruptFile' })

    await expect(readDataFile(lake.objects, { ...file!, sizeBytes: 5 }, TRIPS)).rejects.toThrow(
      corrupt,
    )
    await expect(readDataFile(lake.objects, { ...file!, recordCount: 5 }, TRIPS)).rejects.toThrow(
      corrupt,
    )
  })
})
