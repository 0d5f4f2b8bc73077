import { describe, expect, it } from 'vitest'
import { deleteMode } from '#lib/domain/lake/changes/delete-mode.ts'
import { deleteRows, previewDelete } from '#lib/domain/lake/changes/delete-rows.ts'
import { overwrite } from '#lib/domain/lake/changes/overwrite.ts'
import { commitRowDelta } from '#lib/domain/lake/changes/row-delta.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { FILE_PATH_ID } from '#lib/domain/lake/delete-file.ts'
import { HOLD_PROPERTY } from '#lib/domain/lake/fences.ts'
import { diffSnapshots } from '#lib/domain/lake/inspect/snapshot-diff.ts'
import { summarizeTable } from '#lib/domain/lake/inspect/table-summary.ts'
import { LiveRowReader } from '#lib/domain/lake/live-rows.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { findOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { writeDataFiles } from '#lib/domain/lake/write-data-files.ts'
import { valueAt } from '#test/support/columns.ts'
import { FaultyCatalog, type Outcome } from '../faulty-catalog.ts'
import { interrupted, NAME, TRIPS, trips } from '../lake-fixture.ts'
import {
  append,
  change,
  DAY_MS,
  liveFiles,
  tableOf,
  tripsLake,
  urisIn,
} from '../maintenance/maintenance-fixture.ts'

const where = (text: string) => parsePredicate(text, TRIPS)
const ON_READ = { mode: 'merge-on-read' } as const

/** The ids of all trips that are not deleted. */
async function idsIn(lake: Lake): Promise<readonly string[]> {
  const table = await tableOf(lake)
  const plan = await planScan(lake.objects, table)
  const ids: string[] = []
  for (const file of plan.files) {
    const { rows, columns } = await readPlanned(plan, file, table.schema)
    for (let row = 0; row < rows; row++) ids.push(String(valueAt(columns.get('trip_id')!, row)))
  }
  return ids.toSorted()
}

describe('deleting rows', () => {
  it('leaves a file as it is and names the rows beside it, in the terms of Iceberg', async () => {
    const lake = await tripsLake()
    const [first] = await append(lake, 'a', 30)

    const result = await deleteRows(lake, NAME, where("trip_id in ('a-3', 'a-5')"), ON_READ)

    const table = await tableOf(lake)
    const { data, deletes } = await table.contents()
    expect(result).toMatchObject({ rows: 2, filesWithDeletes: 1, filesRewritten: 0 })
    expect(data.map(({ file }) => file.path)).toContain(first!.path)
    expect(deletes).toMatchObject([
      {
        sequenceNumber: 2n,
        file: {
          kind: 'positions',
          recordCount: 2,
          dataFile: first!.path,
          partition: first!.partition,
        },
      },
    ])
    const { lowerBounds, upperBounds } = deletes[0]!.file
    const whole = Buffer.from(first!.path).toString('base64')
    expect([lowerBounds[FILE_PATH_ID], upperBounds[FILE_PATH_ID]]).toEqual([whole, whole])
    expect(table.currentSnapshot?.summary).toMatchObject({
      operation: 'delete',
      'added-delete-files': '1',
      'added-position-deletes': '2',
      'total-records': '30',
      'total-delete-files': '1',
      'total-position-deletes': '2',
    })
    expect(await idsIn(lake)).toHaveLength(28)
  })

  it('is seen by who compares two snapshots, and who counts rows', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)
    await deleteRows(lake, NAME, where("trip_id in ('a-3', 'a-5')"), ON_READ)
    const table = await tableOf(lake)
    const [first, second] = table.snapshots.map(({ snapshotId }) => snapshotId)

    const diff = await diffSnapshots(lake.objects, table, first!, second!)

    expect(diff).toMatchObject({
      deletes: { added: 1, removed: 0 },
      rowsBefore: 30,
      rowsAfter: 28,
      added: { files: 0 },
    })
    expect((await summarizeTable(table)).rows).toBe(28)
  })

  it('writes a file anew where that is cheaper', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)

    const result = await deleteRows(lake, NAME, where("trip_id = 'a-3'"))

    expect(result).toMatchObject({ rows: 1, filesRewritten: 1, filesWithDeletes: 0 })
    expect((await (await tableOf(lake)).contents()).deletes).toEqual([])
    expect(await idsIn(lake)).not.toContain('a-3')
  })

  it('drops files whose rows all match without reading them', async () => {
    const lake = await tripsLake()
    const files = await append(lake, 'a', 72)
    const gets: string[] = []
    const get = lake.objects.get.bind(lake.objects)
    lake.objects.get = (uri) => {
      gets.push(uri)
      return get(uri)
    }

    const result = await deleteRows(lake, NAME, where("dropoff_at < '2019-01-03T00:00:00Z'"))

    expect(result).toMatchObject({ rows: 48, filesDropped: 2, filesRead: 0 })
    expect(await liveFiles(lake)).toEqual([files[2]])
    expect(gets.filter((uri) => uri.endsWith('.parquet'))).toEqual([])
  })

  it('commits nothing where nothing matches, and writes nothing to find out', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)
    const before = await urisIn(lake)

    const preview = await previewDelete(lake, NAME, where('fare > 1.00'), ON_READ)
    const result = await deleteRows(lake, NAME, where("trip_id = 'nobody'"))

    expect(preview.rows).toBeGreaterThan(0)
    expect(result.rows).toBe(0)
    expect(result).not.toHaveProperty('snapshotId')
    expect(await urisIn(lake)).toEqual(before)
  })

  it('counts rows that are deleted already neither again nor as live', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    await deleteRows(lake, NAME, where("trip_id in ('a-1', 'a-2')"), ON_READ)

    const again = await previewDelete(lake, NAME, where("trip_id in ('a-2', 'a-3')"))
    const all = await deleteRows(lake, NAME, where('trip_id is not null'))

    expect(again.rows).toBe(1)
    expect(all).toMatchObject({ rows: 22, filesDropped: 1 })
    const { data, deletes } = await (await tableOf(lake)).contents()
    expect([data, deletes]).toEqual([[], []])
  })

  it('takes in what is appended meanwhile, and what is compacted', async () => {
    const lake = await tripsLake()
    for (const name of ['a', 'b', 'c']) await append(lake, name, 24)
    const appending = interrupted(lake, () => append(lake, 'late', 24))
    const matching = where("trip_id >= 'b' and fare > 20.00")

    await deleteRows(appending, NAME, matching, ON_READ)
    const late = (await idsIn(lake)).filter((id) => id.startsWith('late'))
    const compacting = interrupted(lake, () => compact(lake, NAME, { minFiles: 2 }))
    await deleteRows(compacting, NAME, where("trip_id = 'a-20'"), ON_READ)

    expect(late).toContain('late-15')
    expect(late).not.toContain('late-18')
    expect(await idsIn(lake)).not.toContain('a-20')
    expect(await idsIn(lake)).toContain('a-19')
  })

  it.each<Outcome>(['answer lost', 'applied late', 'never applied', 'repeated'])(
    'happens once if its swap is %s',
    async (outcome) => {
      const lake = await tripsLake()
      await append(lake, 'a', 30)
      const catalog = new FaultyCatalog(lake.catalog, [outcome])

      const result = await deleteRows({ ...lake, catalog }, NAME, where("trip_id = 'a-3'"), ON_READ)
      await catalog.land()

      const table = await tableOf(lake)
      expect(table.currentSnapshot?.snapshotId).toBe(result.snapshotId)
      expect((await table.contents()).deletes).toHaveLength(1)
      expect(table.snapshots).toHaveLength(2)
    },
  )

  it('is refused on hold', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 3)
    await commit(lake, NAME, () => change({ setProperties: () => ({ [HOLD_PROPERTY]: 'why' }) }))

    await expect(deleteRows(lake, NAME, where("trip_id = 'a-1'"))).rejects.toMatchObject({
      code: 'lake.onHold',
    })
  })

  it('leaves nothing that orphan removal would take from the table', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)
    await deleteRows(lake, NAME, where("trip_id = 'a-3'"), ON_READ)
    lake.clock.ms += 2 * DAY_MS

    const { orphans } = await findOrphans(lake, NAME, { waiting: async () => new Set() })

    const { deletes } = await (await tableOf(lake)).contents()
    expect(orphans.map(({ uri }) => uri)).not.toContain(deletes[0]!.file.path)
    expect(await idsIn(lake)).toHaveLength(29)
  })
})

describe('what is cheaper', () => {
  const hit = (sizeBytes: number, deletedRows: number) =>
    deleteMode({}, { sizeBytes, deletedRows, recordCount: 1000 })

  it('is to write small files and much deleted ones anew, and to leave others', () => {
    expect(hit(1 << 20, 1)).toBe('copy-on-write')
    expect(hit((1 << 20) + 1, 299)).toBe('merge-on-read')
    expect(hit(1 << 25, 300)).toBe('copy-on-write')
  })

  it('is what the table says, if it does', () => {
    const small = { sizeBytes: 1, deletedRows: 1, recordCount: 1 }
    expect(deleteMode({ 'write.delete.mode': 'merge-on-read' }, small)).toBe('merge-on-read')
    expect(deleteMode({ 'write.delete.mode': 'another' }, small)).toBe('copy-on-write')
  })
})

describe('compacting a table with row deletes', () => {
  it('leaves the deleted rows and the delete files out, and changes no other row', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)
    await append(lake, 'b', 30)
    await deleteRows(lake, NAME, where("trip_id in ('a-3', 'b-25')"), ON_READ)
    const before = await idsIn(lake)

    const report = await compact(lake, NAME, { minFiles: 2 })

    const table = await tableOf(lake)
    expect(report).toMatchObject({ rows: 58, deletedRows: 2, deleteFiles: 2, filesAfter: 2 })
    expect(await idsIn(lake)).toEqual(before)
    expect((await table.contents()).deletes).toEqual([])
    expect(table.currentSnapshot?.summary).toMatchObject({
      operation: 'replace',
      'deleted-records': '60',
      'added-records': '58',
      'removed-position-deletes': '2',
      'total-records': '58',
      'total-delete-files': '0',
    })
  })

  it('does not bring back what somebody deletes meanwhile', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    await append(lake, 'b', 24)
    const busy = interrupted(lake, () => deleteRows(lake, NAME, where("trip_id = 'a-3'"), ON_READ))

    const report = await compact(busy, NAME, { minFiles: 2 })

    expect(report).toMatchObject({ commits: 0, outdated: 2 })
    expect(await idsIn(lake)).not.toContain('a-3')
  })

  it('keeps a delete file that another data file needs still', async () => {
    const lake = await tripsLake({ 'write.delete.granularity': 'partition' })
    const [file] = await append(lake, 'a', 24)
    await append(lake, 'b', 24)
    await deleteRows(lake, NAME, where("trip_id in ('a-3', 'b-3')"), ON_READ)

    await commit(lake, NAME, () => change({ removed: [file!.path] }))
    await deleteRows(lake, NAME, where("trip_id = 'b-9'"), ON_READ)

    expect((await (await tableOf(lake)).contents()).deletes).toHaveLength(2)
    expect(await idsIn(lake)).toHaveLength(22)
  })
})

describe('a row delta', () => {
  async function delta(lake: Lake, id: string) {
    const table = await tableOf(lake)
    const { files, reader } = await planScan(lake.objects, table, where(`trip_id = '${id}'`))
    const [{ data }] = files as [(typeof files)[number]]
    const { batch, positions } = await reader.read(data, TRIPS)
    const row = Array.from({ length: batch.rows }, (_, at) => at).find(
      (at) => valueAt(batch.columns.get('trip_id')!, at) === id,
    )!
    return {
      basedOn: table.currentSnapshot!.snapshotId,
      deletes: [{ data, positions: [positions[row]!] }],
      files: await writeDataFiles(lake, table, trips('changed', 1)),
    }
  }

  it('takes rows out and puts others in, in one snapshot', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)

    await commitRowDelta(lake, NAME, await delta(lake, 'a-3'))

    const ids = await idsIn(lake)
    expect(ids).toContain('changed-0')
    expect(ids).not.toContain('a-3')
    expect((await tableOf(lake)).currentSnapshot?.summary).toMatchObject({ operation: 'overwrite' })
    expect((await tableOf(lake)).snapshots).toHaveLength(2)
  })

  it('stays beside what is appended meanwhile, unless that might have mattered', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    const first = await delta(lake, 'a-3')
    const second = await delta(lake, 'a-4')

    await commitRowDelta(
      interrupted(lake, () => append(lake, 'b', 24)),
      NAME,
      first,
    )
    const refused = commitRowDelta(lake, NAME, { ...second, noAppends: where('fare > 0.00') })

    await expect(refused).rejects.toMatchObject({ code: 'lake.conflict' })
    expect(await idsIn(lake)).toHaveLength(48)
    const elsewhere = where("dropoff_at > '2020-01-01T00:00:00Z'")
    const third = commitRowDelta(lake, NAME, {
      ...second,
      noAppends: elsewhere,
      othersMayDelete: true,
    })
    await expect(third).resolves.toMatchObject({ committed: true })
  })

  it('is refused where somebody else deleted rows of the file, or put it together with others', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    await append(lake, 'b', 24)
    const ours = await delta(lake, 'a-3')

    await deleteRows(lake, NAME, where("trip_id = 'a-3'"), ON_READ)
    await expect(commitRowDelta(lake, NAME, ours)).rejects.toMatchObject({ code: 'lake.conflict' })
    await compact(lake, NAME, { minFiles: 2 })
    await expect(
      commitRowDelta(lake, NAME, { ...ours, othersMayDelete: true }),
    ).rejects.toMatchObject({ code: 'lake.inputGone' })

    expect(await idsIn(lake)).not.toContain('changed-0')
  })
})

describe('overwriting', () => {
  const JANUARY_1 = where("dropoff_at < '2019-01-02T00:00:00Z'")

  it('puts rows in the place of those that match', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 48)

    const result = await overwrite(lake, NAME, { where: JANUARY_1 }, trips('new', 3))

    expect(result).toMatchObject({ rows: 24, rowsAdded: 3, filesDropped: 1 })
    const ids = await idsIn(lake)
    expect(ids.filter((id) => id.startsWith('new'))).toHaveLength(3)
    expect(ids.filter((id) => id.startsWith('a'))).toHaveLength(24)
  })

  it('replaces the partitions that the rows belong to, and no others', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 72)

    const result = await overwrite(lake, NAME, 'partitions of the rows', trips('new', 30))

    expect(result).toMatchObject({ rows: 48, rowsAdded: 30 })
    expect((await idsIn(lake)).filter((id) => id.startsWith('a'))).toHaveLength(24)
  })

  it('takes no rows that it would not replace itself', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 48)

    await expect(
      overwrite(lake, NAME, { where: JANUARY_1 }, trips('new', 30)),
    ).rejects.toMatchObject({ code: 'lake.rowsOutside', context: { row: 24 } })
  })

  it('fails where somebody has appended to what it replaces, or deleted of it', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 48)
    const replacing = (meanwhile: () => Promise<unknown>) =>
      overwrite(interrupted(lake, meanwhile), NAME, { where: JANUARY_1 }, trips('new', 3))

    await expect(replacing(() => append(lake, 'b', 2))).rejects.toMatchObject({
      code: 'lake.conflict',
    })
    await expect(
      replacing(() => deleteRows(lake, NAME, where("trip_id = 'a-1'"), ON_READ)),
    ).rejects.toMatchObject({ code: 'lake.conflict' })

    expect(await idsIn(lake)).toHaveLength(49)
  })

  it('goes on beside what is appended elsewhere and what is compacted', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    await append(lake, 'b', 24)
    const elsewhere = where("dropoff_at >= '2019-01-02T00:00:00Z'")

    await overwrite(
      interrupted(lake, async () => {
        await compact(lake, NAME, { minFiles: 2 })
        await append(lake, 'c', 24)
      }),
      NAME,
      { where: elsewhere },
      trips('new', 0),
    )

    expect(await idsIn(lake)).toHaveLength(72)
  })

  it('spares what is appended meanwhile if it was asked for a snapshot only, while that can be told apart', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    const options = { isolation: 'snapshot' } as const

    await overwrite(
      interrupted(lake, () => append(lake, 'b', 24)),
      NAME,
      { where: JANUARY_1 },
      trips('new', 3),
      options,
    )
    const mixed = overwrite(
      interrupted(lake, async () => {
        await append(lake, 'c', 24)
        await compact(lake, NAME, { minFiles: 2 })
      }),
      NAME,
      { where: JANUARY_1 },
      trips('newer', 3),
      options,
    )

    await expect(mixed).rejects.toMatchObject({ code: 'lake.conflict' })
    const ids = await idsIn(lake)
    expect(ids.filter((id) => id.startsWith('b'))).toHaveLength(24)
    expect(ids.filter((id) => id.startsWith('new'))).toHaveLength(3)
    expect(ids.some((id) => id.startsWith('a'))).toBe(false)
  })
})

describe('reading', () => {
  it('says which file deletes a row that is not there', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    await deleteRows(lake, NAME, where("trip_id = 'a-20'"), ON_READ)
    const table = await tableOf(lake)
    const { data, deletes } = await table.contents()
    const [one] = data as [(typeof data)[number]]
    const short = (await append(lake, 'short', 3))[0]!
    await lake.objects.put(one.file.path, await lake.objects.get(short.path))
    const told = { ...one, file: { ...one.file, recordCount: 3, sizeBytes: short.sizeBytes } }

    const reading = new LiveRowReader(lake.objects, table.metadata, deletes).read(told, TRIPS)

    await expect(reading).rejects.toMatchObject({
      code: 'lake.corruptFile',
      context: { path: deletes[0]!.file.path },
    })
  })

  it('names a delete file that is gone or no Parquet file, and changes nothing', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 24)
    await deleteRows(lake, NAME, where("trip_id = 'a-20'"), ON_READ)
    const before = (await tableOf(lake)).metadataLocation
    const [deletes] = (await (await tableOf(lake)).contents()).deletes
    const { path, sizeBytes } = deletes!.file

    await lake.objects.put(path, new Uint8Array(sizeBytes))
    await expect(compact(lake, NAME, { mostDeleted: 0 })).rejects.toThrow(path)
    await lake.objects.remove([path])
    await expect(deleteRows(lake, NAME, where("trip_id = 'a-1'"))).rejects.toThrow(path)

    expect((await tableOf(lake)).metadataLocation).toBe(before)
  })
})
