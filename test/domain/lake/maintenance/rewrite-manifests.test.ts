import { describe, expect, it } from 'vitest'
import { commit } from '#lib/domain/lake/commit.ts'
import { withPartitioning } from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { HOLD_PROPERTY } from '#lib/domain/lake/fences.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { decodeEntries } from '#lib/domain/lake/manifest.ts'
import { type Lake, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { NAME } from '../lake-fixture.ts'
import { append, change, liveFiles, tableOf, tripsLake } from './maintenance-fixture.ts'

async function manifests(lake: Lake) {
  return await manifestsOf(lake.objects, currentSnapshotOf((await tableOf(lake)).metadata))
}

const byPath = (files: readonly { path: string }[]) =>
  files.toSorted((a, b) => (a.path < b.path ? -1 : 1))

describe('rewriting manifests', () => {
  it('puts them together, files of a partition side by side, each as it came', async () => {
    const lake = await tripsLake()
    for (const prefix of ['a', 'b', 'c']) await append(lake, prefix, 72)
    const before = byPath(await liveFiles(lake))

    const { committed, table } = await rewriteManifests(lake, NAME)

    const [line, ...more] = await manifests(lake)
    const entries = decodeEntries(await lake.objects.get(line!.manifestPath), line!)
    const names = entries.map(({ dataFile }) => dataFile.filePath.split('/').slice(-2).join('/'))
    expect(committed).toBe(true)
    expect(more).toEqual([])
    expect(byPath(await table.liveFiles())).toEqual(before)
    expect(names).toEqual(
      ['01', '02', '03'].flatMap((day) =>
        ['a', 'b', 'c'].map((prefix) => `dropoff_at_day=2019-01-${day}/${prefix}.parquet`),
      ),
    )
    expect(entries.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      Array(3).fill([1n, 2n, 3n]).flat(),
    )
    expect(table.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'added-data-files': '0',
      'total-data-files': '9',
      'total-records': '216',
    })
  })

  it('makes as many as the files fill, each with a part of the partitions', async () => {
    const lake = await tripsLake()
    for (const prefix of ['a', 'b', 'c', 'd']) await append(lake, prefix, 24 * 8)
    const { manifestLength } = (await manifests(lake))[0]!
    const properties = { 'commit.manifest.target-size-bytes': String(2n * manifestLength) }
    await commit(lake, NAME, () => change({ setProperties: () => properties }))

    await rewriteManifests(lake, NAME)

    const lines = await manifests(lake)
    const days = lines.map(({ partitions }) =>
      [partitions![0]!.lowerBound!, partitions![0]!.upperBound!].map((one) =>
        Buffer.from(one).readInt32LE(),
      ),
    )
    expect(days).toEqual([
      [17_897, 17_900],
      [17_901, 17_904],
    ])
    expect(await liveFiles(lake)).toHaveLength(32)
  })

  it('commits nothing where there is nothing to gain, nor on hold', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)

    expect((await rewriteManifests(lake, NAME)).committed).toBe(false)
    await append(lake, 'b', 24)
    expect((await rewriteManifests(lake, NAME)).committed).toBe(true)
    expect((await rewriteManifests(lake, NAME)).committed).toBe(false)
    await commit(lake, NAME, () => change({ setProperties: () => ({ [HOLD_PROPERTY]: 'why' }) }))
    await expect(rewriteManifests(lake, NAME)).rejects.toMatchObject({ code: 'lake.onHold' })
  })

  it('keeps specs apart, and those alone that it cannot write', async () => {
    const lake = await tripsLake()
    for (const prefix of ['a', 'b']) await append(lake, prefix, 24)
    await evolveTable(lake, NAME, (base) => withPartitioning(base, []))
    const [file] = await liveFiles(lake)
    for (const path of ['s3://c', 's3://d']) {
      await commit(lake, NAME, () => change({ files: [{ ...file!, path, partition: {} }] }))
    }
    await evolveTable(lake, NAME, (base) => ({
      ...base,
      'partition-specs': base['partition-specs'].map((spec) => ({
        ...spec,
        fields: spec.fields.map((one) => ({ ...one, transform: 'theirs[3]' })),
      })),
    }))

    await rewriteManifests(lake, NAME)

    const specs = (await manifests(lake)).map(({ partitionSpecId }) => partitionSpecId)
    expect(specs.toSorted()).toEqual([0, 0, 1])
    expect(await liveFiles(lake)).toHaveLength(4)
  })

  it('goes on beside appends: what came meanwhile is left as it came', async () => {
    const lake = await tripsLake()
    for (const prefix of ['a', 'b']) await append(lake, prefix, 24)
    let isBusy = true
    const { catalog } = lake
    const busy = {
      load: catalog.load.bind(catalog),
      create: catalog.create.bind(catalog),
      swap: async (...args: Parameters<typeof catalog.swap>) => {
        if (isBusy) {
          isBusy = false
          await append(lake, 'late', 24)
        }
        return await catalog.swap(...args)
      },
    }

    const { committed, attempts } = await rewriteManifests({ ...lake, catalog: busy }, NAME)

    expect([committed, attempts]).toEqual([true, 2])
    expect(await manifests(lake)).toHaveLength(2)
    expect(await liveFiles(lake)).toHaveLength(3)
  })
})
