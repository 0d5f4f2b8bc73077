import { describe, expect, it } from 'vitest'
import { decodeAvro } from '#lib/domain/lake/avro.ts'
import { type Change, commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { decodeEntries, type ManifestFile } from '#lib/domain/lake/manifest.ts'
import { codeNames } from '#lib/domain/lake/manifest-schema.ts'
import { manifestsToMerge } from '#lib/domain/lake/merge-manifests.ts'
import { newTableMetadata } from '#lib/domain/lake/new-table.ts'
import { createTableIfAbsent, type Lake, loadTable, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { FaultyCatalog } from './faulty-catalog.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }
const MIN_COUNT = 'commit.manifest.min-count-to-merge'

const change = (some: Partial<Change>): Change => ({
  files: [],
  summary: {},
  setProperties: () => ({}),
  ...some,
})

async function lakeOf(commits: number, properties: Record<string, string> = { [MIN_COUNT]: '4' }) {
  const lake = memoryLake()
  await createTableIfAbsent(lake, { ...CREATE, properties })
  const files: DataFile[] = []
  for (let at = 0; at < commits; at++) {
    const added = await writeTrips(lake, `f${at}`, at % 2 === 0 ? 30 : 2)
    await commit(lake, NAME, () => change({ files: added }))
    files.push(...added)
  }
  return { lake, files }
}

async function manifests(lake: Lake): Promise<readonly ManifestFile[]> {
  const { metadata } = (await loadTable(lake, NAME))!
  return await manifestsOf(lake.objects, currentSnapshotOf(metadata))
}

async function livePaths(lake: Lake): Promise<readonly string[]> {
  return (await (await loadTable(lake, NAME))!.liveFiles()).map(({ path }) => path).toSorted()
}

describe('merging manifests', () => {
  it('keeps their number small, and every file as it came', async () => {
    const { lake, files } = await lakeOf(40)

    const lines = await manifests(lake)
    expect(lines.length).toBeLessThanOrEqual(5)
    expect(await livePaths(lake)).toEqual(files.map(({ path }) => path).toSorted())
    const live = await (await loadTable(lake, NAME))!.liveFiles()
    const byPath = new Map(live.map((file) => [file.path, file]))
    expect(files.map(({ path }) => byPath.get(path))).toEqual(files)
  })

  it('keeps the snapshot and the sequence numbers that a file came with', async () => {
    const { lake } = await lakeOf(5)
    const { snapshots } = (await loadTable(lake, NAME))!

    const [, merged] = await manifests(lake)
    const entries = decodeEntries(await lake.objects.get(merged!.manifestPath), merged!)

    expect(
      entries.map((entry) => [entry.status, entry.snapshotId, entry.sequenceNumber]).toSorted(),
    ).toEqual(
      [0, 0, 1, 2, 2, 3].map((at) => [0, snapshots[at]!.snapshotId, BigInt(at + 1)]).toSorted(),
    )
    expect(entries.every((one) => one.fileSequenceNumber === one.sequenceNumber)).toBe(true)
    expect(merged).toMatchObject({
      sequenceNumber: 5n,
      minSequenceNumber: 1n,
      addedSnapshotId: snapshots[4]!.snapshotId,
      addedFilesCount: 0,
      existingFilesCount: 6,
      existingRowsCount: 64n,
    })
    const [days] = merged!.partitions!
    expect(Buffer.from(days!.lowerBound!).readInt32LE()).toBe(17_897)
    expect(Buffer.from(days!.upperBound!).readInt32LE()).toBe(17_898)
  })

  it('forgets what earlier snapshots deleted, and leaves what this one does apart', async () => {
    const { lake, files } = await lakeOf(2)
    await commit(lake, NAME, () => change({ removed: [files[0]!.path] }))
    const more = [await writeTrips(lake, 'x', 2), await writeTrips(lake, 'y', 2)]
    for (const added of more) await commit(lake, NAME, () => change({ files: added }))
    expect(await manifests(lake)).toHaveLength(4)

    await commit(lake, NAME, () => change({ removed: [files[2]!.path] }))

    const [deleting] = await manifests(lake)
    expect(deleting).toMatchObject({ deletedFilesCount: 1, existingFilesCount: 0 })
    await commit(lake, NAME, () => change({ files: [] }))
    expect(await livePaths(lake)).toEqual(
      [files[1]!, ...more.flat()].map(({ path }) => path).toSorted(),
    )
  })

  it('is left to whom the table’s properties say', async () => {
    const { lake } = await lakeOf(6, { [MIN_COUNT]: '4', 'commit.manifest-merge.enabled': 'false' })

    expect(await manifests(lake)).toHaveLength(6)
  })

  it('takes the table’s own types for partitions that were written with narrower ones', async () => {
    const lake = memoryLake()
    const fields = [{ id: 1, name: 'n', required: false, type: 'int' as const }]
    const wide = [{ ...fields[0]!, type: 'long' as const }]
    const spec = {
      fields: [{ sourceId: 1, fieldId: 1000, name: 'n', transform: 'identity' as const }],
    }
    await createTableIfAbsent(lake, {
      ...CREATE,
      schema: { fields },
      spec,
      properties: { [MIN_COUNT]: '2' },
    })
    const [file] = await writeTrips(lake, 'a', 1)
    const add = (path: string, n: number | string, schema: typeof fields | typeof wide) =>
      commit(lake, NAME, () =>
        change({ files: [{ ...file!, path, partition: { n } }], schema: { fields: schema } }),
      )
    await add('s3://a', -3, fields)
    await add('s3://b', '8589934592', wide)
    await add('s3://c', '5', wide)

    const live = await (await loadTable(lake, NAME))!.liveFiles()
    const [, merged] = await manifests(lake)

    expect(await manifests(lake)).toHaveLength(2)
    expect(live.map(({ partition }) => partition.n)).toEqual(['5', '-3', '8589934592'])
    expect(Buffer.from(merged!.partitions![0]!.lowerBound!).readBigInt64LE()).toBe(-3n)
    const { metadata } = decodeAvro(await lake.objects.get(merged!.manifestPath), codeNames)
    expect(metadata['avro.schema']).toContain('"long"')
  })
})

describe('a merge that meets others', () => {
  /** As an engine does that leaves merging to others. */
  const commitUnmerged = async (lake: Lake, some: Partial<Change>) => {
    const { metadata, metadataLocation } = (await loadTable(lake, NAME))!
    const { encodeTableMetadata } = await import('#lib/domain/lake/table-metadata.ts')
    const properties = { ...metadata.properties, 'commit.manifest-merge.enabled': 'false' }
    await lake.objects.put(metadataLocation, encodeTableMetadata({ ...metadata, properties }))
    const setProperties = () => ({ 'commit.manifest-merge.enabled': 'true' })
    await commit(lake, NAME, () => change({ ...some, setProperties }))
  }
  const mergedPaths = async (lake: Lake) => {
    const found: string[] = []
    for await (const { uri } of lake.objects.list(`${LOCATION}/metadata/`)) {
      if (uri.endsWith('-m0.avro')) found.push(uri)
    }
    return found
  }

  it('is taken again as long as its manifests are there, whatever else was added', async () => {
    const { lake, files } = await lakeOf(4)
    const [ours, theirs] = [await writeTrips(lake, 'ours', 2), await writeTrips(lake, 'theirs', 2)]
    const before = (await mergedPaths(lake)).length
    const catalog = new FaultyCatalog(lake.catalog, ['never applied'])
    let asked = 0

    await commit({ ...lake, catalog }, NAME, async () => {
      if (++asked === 2) await commitUnmerged(lake, { files: theirs })
      return change({ files: ours })
    })

    expect(asked).toBe(3)
    // The rival's, our own, and the merged one; each of them once.
    expect((await mergedPaths(lake)).length - before).toBe(3)
    expect(await manifests(lake)).toHaveLength(3)
    expect(await livePaths(lake)).toEqual(
      [...files, ...ours, ...theirs].map(({ path }) => path).toSorted(),
    )
  })

  it('is made anew if a rival has rewritten one of them only', async () => {
    const { lake, files } = await lakeOf(4)
    const ours = await writeTrips(lake, 'ours', 2)
    const catalog = new FaultyCatalog(lake.catalog, ['never applied'])
    let asked = 0

    await commit({ ...lake, catalog }, NAME, async () => {
      if (++asked === 2) await commitUnmerged(lake, { removed: [files[0]!.path] })
      return change({ files: ours })
    })

    expect(asked).toBe(3)
    expect(await livePaths(lake)).toEqual(
      [...files.slice(1), ...ours].map(({ path }) => path).toSorted(),
    )
  })

  it('is made anew if a rival has merged or removed some of them', async () => {
    const { lake, files } = await lakeOf(4)
    const [ours, theirs] = [await writeTrips(lake, 'ours', 2), await writeTrips(lake, 'theirs', 2)]
    let asked = 0

    await commit(lake, NAME, async () => {
      if (++asked === 1) {
        await commit(lake, NAME, () => change({ files: theirs, removed: [] }))
        await commit(lake, NAME, () => change({ removed: [files[0]!.path] }))
      }
      return change({ files: ours })
    })

    expect(await livePaths(lake)).toEqual(
      [...files.slice(1), ...ours, ...theirs].map(({ path }) => path).toSorted(),
    )
  })
})

describe('the manifests that are merged', () => {
  const metadata = newTableMetadata({ location: LOCATION, schema: TRIPS, spec: BY_DAY }, 'uuid', 0)
  const line = (files: number, bytes = files * 300): ManifestFile => ({
    manifestPath: `s3://m-${files}`,
    manifestLength: BigInt(bytes),
    partitionSpecId: 0,
    content: 0,
    sequenceNumber: 1n,
    minSequenceNumber: 1n,
    addedSnapshotId: 1n,
    addedFilesCount: files,
    existingFilesCount: 0,
    deletedFilesCount: 0,
    addedRowsCount: 1n,
    existingRowsCount: 0n,
    deletedRowsCount: 0n,
    partitions: null,
    keyMetadata: null,
  })
  const counts = (lines: readonly ManifestFile[]) =>
    manifestsToMerge(lines, metadata).map(({ addedFilesCount }) => addedFilesCount)
  const of = (length: number, files: number) => Array.from({ length }, () => line(files))

  it('are none below a hundred', () => {
    expect(counts(of(99, 1))).toEqual([])
    expect(counts(of(100, 1))).toHaveLength(100)
  })

  it('do not include one that is larger than the others together', () => {
    expect(counts([line(5000), ...of(99, 1)])).toEqual(Array(99).fill(1))
    expect(counts([line(99), ...of(99, 1)])).toHaveLength(100)
  })

  it('are at least half of them, so that the list gets shorter', () => {
    const tripling = [243, 81, 27, 9, 3, 1].map((files) => line(files))
    const six = { ...metadata, properties: { [MIN_COUNT]: '6' } }

    expect(manifestsToMerge(tripling, six)).toEqual([line(1), line(3), line(9)])
    expect(counts([...of(50, 1), ...of(50, 60)])).toHaveLength(50)
  })

  it('do not become larger than the target, and neither deletes nor other specs are among them', () => {
    const large = Array.from({ length: 100 }, () => line(10, 2_000_000))
    const others = [
      { ...line(1), content: 1 as const },
      { ...line(1), partitionSpecId: 7 },
    ]

    expect(counts(large)).toHaveLength(4)
    expect(counts([...of(98, 1), ...others])).toEqual([])
    expect(counts([...of(99, 1), line(1, 9_000_000)])).toEqual([])
  })

  it('stay few however many commits there are', () => {
    let lines: ManifestFile[] = []
    let [most, rewritten] = [0, 0]
    for (let at = 0; at < 20_000; at++) {
      const merged = new Set(manifestsToMerge(lines, metadata))
      if (merged.size > 1) {
        const files = [...merged].reduce((sum, one) => sum + one.addedFilesCount, 0)
        rewritten += files
        lines = [...lines.filter((one) => !merged.has(one)), line(files, files * 60)]
      }
      lines.push(line(1))
      most = Math.max(most, lines.length)
    }

    expect(most).toBeLessThanOrEqual(101)
    // Each file's entry, on the whole.
    expect(rewritten / 20_000).toBeLessThan(3)
  })
})
