import { describe, expect, it } from 'vitest'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { type Fences, fencesProperty, fencesSummary } from '#lib/domain/lake/fences.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import {
  findOrphans,
  type OrphanOptions,
  removeOrphans,
} from '#lib/domain/lake/maintenance/orphans.ts'
import { rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { encodeTableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { LOCATION, NAME, writeTrips } from '../lake-fixture.ts'
import {
  append,
  CREATE,
  change,
  DAY_MS,
  HOUR_MS,
  liveFiles,
  rowsOf,
  tableOf,
  tripsLake,
  urisIn,
} from './maintenance-fixture.ts'

type TripsLake = Awaited<ReturnType<typeof tripsLake>>

const NOTHING = { waiting: async () => new Set<string>() }
const at = (position: number): SequenceNumber => sequenceNumber(String(position))

/** Finds, waits for readers, removes. */
async function sweep(lake: TripsLake, options: OrphanOptions = NOTHING) {
  const plan = await findOrphans(lake, NAME, options)
  lake.clock.ms += HOUR_MS
  return await removeOrphans(lake, NAME, plan, { ...options, remover: lake.objects })
}

async function compacted() {
  const lake = await tripsLake()
  for (let at = 0; at < 6; at++) await append(lake, `f${at}`, 24)
  await compact(lake, NAME)
  lake.clock.ms += DAY_MS
  return lake
}

describe('orphan removal', () => {
  it('finds nothing to remove as long as a snapshot is retained that names it', async () => {
    const lake = await compacted()

    expect((await findOrphans(lake, NAME, NOTHING)).orphans).toEqual([])
    expect(await sweep(lake)).toEqual({ removed: 0, bytes: 0, spared: 0 })
  })

  it('removes what expired snapshots leave behind, and the table is as it was', async () => {
    const lake = await compacted()
    const before = await rowsOf(lake)
    await expireSnapshots(lake, NAME, { atLeast: 1, currentWithinMs: 0 })
    const objects = (await urisIn(lake)).length

    const plan = await findOrphans(lake, NAME, NOTHING)
    expect(await urisIn(lake)).toHaveLength(objects)
    lake.clock.ms += HOUR_MS
    const report = await removeOrphans(lake, NAME, plan, { ...NOTHING, remover: lake.objects })

    // Six files, their manifests and the lists that named them; the log keeps earlier metadata.
    const removed = plan.orphans.map(({ uri }) => uri.replace(/.*\.(?=\w+$)/, ''))
    expect(removed.filter((kind) => kind === 'parquet')).toHaveLength(6)
    expect(removed.filter((kind) => kind === 'avro')).toHaveLength(12)
    expect(report).toEqual({ removed: 18, bytes: plan.bytes, spared: 0 })
    expect(await rowsOf(lake)).toEqual(before)
    expect((await findOrphans(lake, NAME, NOTHING)).orphans).toEqual([])
  })

  it('removes metadata that the log has forgotten', async () => {
    const lake = await tripsLake({ 'write.metadata.previous-versions-max': '2' })
    for (let at = 0; at < 5; at++) await append(lake, `f${at}`, 1)
    lake.clock.ms += 2 * DAY_MS
    await append(lake, 'late', 1)

    const { orphans } = await findOrphans(lake, NAME, NOTHING)

    expect(orphans.map(({ uri }) => /\/(\d+)-[^/]+\.metadata\.json$/.exec(uri)?.[1])).toEqual([
      '00000',
      '00001',
      '00002',
      '00003',
    ])
  })

  it('spares what is younger than a day, however young it is said to be enough', async () => {
    const lake = await tripsLake()
    await append(lake, 'live', 1)
    lake.clock.ms += DAY_MS
    await writeTrips(lake, 'young', 1)

    expect((await findOrphans(lake, NAME, { ...NOTHING, minAgeMs: 0 })).orphans).toEqual([])
    lake.clock.ms += DAY_MS
    expect((await findOrphans(lake, NAME, NOTHING)).orphans).toHaveLength(1)
    expect((await findOrphans(lake, NAME, { ...NOTHING, minAgeMs: 3 * DAY_MS })).orphans).toEqual(
      [],
    )
  })

  it('spares what was written again since the plan, as a retry of a batch does', async () => {
    const lake = await tripsLake()
    const [file] = await writeTrips(lake, 'again', 1)
    lake.clock.ms += 2 * DAY_MS
    const plan = await findOrphans(lake, NAME, NOTHING)
    await lake.objects.put(file!.path, await lake.objects.get(file!.path))
    lake.clock.ms += 2 * DAY_MS

    const report = await removeOrphans(lake, NAME, plan, { ...NOTHING, remover: lake.objects })

    expect(plan.orphans).toHaveLength(1)
    expect(report).toEqual({ removed: 0, bytes: 0, spared: 1 })
    expect(await urisIn(lake, file!.path)).toHaveLength(1)
  })

  it('waits for readers, and takes no plan of another table', async () => {
    const lake = await compacted()
    const plan = await findOrphans(lake, NAME, NOTHING)
    const remove = (tableUuid = plan.tableUuid) =>
      removeOrphans(lake, NAME, { ...plan, tableUuid }, { ...NOTHING, remover: lake.objects })

    await expect(remove()).rejects.toMatchObject({
      code: 'lake.orphansTooFresh',
      retryable: true,
      message: expect.stringContaining('wait 60 minutes'),
    })
    lake.clock.ms += HOUR_MS
    await expect(remove('other')).rejects.toMatchObject({ code: 'lake.otherTable' })
  })

  it('leaves what is not by the names of tables, and what statistics are named', async () => {
    const lake = await tripsLake()
    const uris = [
      'README.md',
      'metadata/notes.txt',
      'data/part.orc',
      'metadata/s1.stats',
      'x.parquet',
    ]
    for (const uri of uris) await lake.objects.put(`${LOCATION}/${uri}`, new Uint8Array(1))
    await lake.objects.put(`${LOCATION}_v2/data/a.parquet`, new Uint8Array(1))
    const { metadata, metadataLocation } = await tableOf(lake)
    const named = `${LOCATION}/metadata/named.avro`
    await lake.objects.put(named, new Uint8Array(1))
    await lake.objects.put(
      metadataLocation,
      encodeTableMetadata({
        ...metadata,
        statistics: [{ 'snapshot-id': 1n, 'statistics-path': named }],
      }),
    )
    lake.clock.ms += 2 * DAY_MS

    expect((await findOrphans(lake, NAME, NOTHING)).orphans).toEqual([])
  })

  it('knows a file by the scheme that another engine gives it', async () => {
    const lake = await tripsLake()
    const files = await writeTrips(lake, 'theirs', 1)
    const named = files.map((file) => ({ ...file, path: file.path.replace('s3://', 's3a://') }))
    await commit(lake, NAME, () => change({ files: named }))
    lake.clock.ms += 2 * DAY_MS

    expect((await findOrphans(lake, NAME, NOTHING)).orphans).toEqual([])
  })

  it('removes nothing if anything that the table names cannot be read', async () => {
    const lake = await compacted()
    const { manifestList } = (await tableOf(lake)).snapshots[0]!
    await lake.objects.remove([manifestList])

    await expect(findOrphans(lake, NAME, NOTHING)).rejects.toMatchObject({
      code: 'objects.notFound',
    })
  })
})

/** Appends entries by their position and moves the fence there; `waiting` answers as a journal of them would. */
async function fromJournal(positions: readonly number[], properties: Record<string, string> = {}) {
  const lake = await tripsLake(properties)
  const journal = new Map<number, readonly DataFile[]>()
  for (const position of positions) {
    journal.set(position, await writeTrips(lake, `e${position}`, 2))
  }
  const commitUpTo = async (position: number) => {
    const done = Number((await tableOf(lake)).properties.done ?? 0)
    const files = [...journal].flatMap(([one, some]) => (one > done && one <= position ? some : []))
    const fences: Fences = { a: at(position) }
    const { snapshotId } = await commit(lake, NAME, () =>
      change({
        files,
        summary: fencesSummary(fences),
        setProperties: (id) => ({ ...fencesProperty(id, fences), done: String(position) }),
      }),
    )
    return snapshotId!
  }
  const asked: Fences[] = []
  const waiting = async (fences: Fences) => {
    asked.push(fences)
    const past = [...journal].filter(([one]) => fences.a === 'start' || at(one) > fences.a!)
    return new Set(past.flatMap(([, files]) => files.map(({ path }) => path)))
  }
  return { lake, journal, commitUpTo, waiting, asked }
}

describe('orphan removal beside a journal', () => {
  it('spares files that wait to be committed, however long they have waited', async () => {
    const { lake, journal, commitUpTo, waiting } = await fromJournal([1, 2, 3])
    await commitUpTo(1)
    lake.clock.ms += 3 * DAY_MS

    expect(await sweep(lake, { waiting })).toMatchObject({ removed: 0 })
    await commitUpTo(3)

    expect(await rowsOf(lake)).toHaveLength(6)
    expect(await liveFiles(lake)).toHaveLength(journal.size)
  })

  it('spares what a rollback to any retained snapshot would bring back from the journal', async () => {
    const KEEP = { 'history.expire.min-snapshots-to-keep': '100' }
    const { lake, commitUpTo, waiting, asked } = await fromJournal([1, 2, 3], KEEP)
    const first = await commitUpTo(1)
    await commitUpTo(3)
    await compact(lake, NAME, { minFiles: 2 })
    const { metadata, metadataLocation } = await tableOf(lake)
    const compactedId = metadata['current-snapshot-id']!
    // Of the snapshots only the first and the compacted one are retained: nothing names the files of 2 and 3.
    await lake.objects.put(
      metadataLocation,
      encodeTableMetadata({
        ...metadata,
        snapshots: metadata.snapshots.filter(({ 'snapshot-id': id }) =>
          [first, compactedId].includes(id),
        ),
      }),
    )
    lake.clock.ms += 3 * DAY_MS

    const report = await sweep(lake, { waiting })
    await rollBack(lake, NAME, first, { reason: 'test' })
    await commit(lake, NAME, () => change({ setProperties: () => ({ done: '1' }) }))
    await commitUpTo(3)

    expect(asked[0]).toEqual({ a: at(1) })
    expect(report.removed).toBeGreaterThan(0)
    expect(await rowsOf(lake)).toHaveLength(6)
  })

  it('stops where nobody knows the fences of a snapshot', async () => {
    const { lake, commitUpTo, waiting } = await fromJournal([1])
    await commit(lake, NAME, () => change({}))
    await commitUpTo(1)

    await expect(findOrphans(lake, NAME, { waiting })).rejects.toMatchObject({
      code: 'lake.fencesUnproven',
    })
  })

  it('asks for no journal where there are no fences', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 1)
    const waiting = () => Promise.reject(new Error('not asked'))

    expect((await findOrphans(lake, NAME, { waiting })).orphans).toEqual([])
  })
})

describe('a process that slept while orphans were removed', () => {
  it('cannot apply what it had staged, and starts again from what is there', async () => {
    const lake = await tripsLake()
    const files = await append(lake, 'a', 2)
    const more = await writeTrips(lake, 'b', 2)
    const waiting = async () => new Set(more.map(({ path }) => path))
    const { catalog } = lake
    let hasSlept = false
    const sleepy = {
      load: catalog.load.bind(catalog),
      create: catalog.create.bind(catalog),
      swap: async (...args: Parameters<typeof catalog.swap>) => {
        if (!hasSlept) {
          hasSlept = true
          lake.clock.ms += 2 * DAY_MS
          // As if this table had fences, so that the files that wait are asked for.
          await sweepSparing(lake, await waiting())
        }
        return await catalog.swap(...args)
      },
    }

    const { attempts, table } = await commit({ ...lake, catalog: sleepy }, NAME, () =>
      change({ files: more }),
    )

    expect(attempts).toBe(2)
    expect(await table.liveFiles()).toHaveLength(files.length + more.length)
    expect(await rowsOf(lake)).toHaveLength(4)
    expect(await lake.objects.get(table.metadataLocation)).toBeDefined()
  })

  async function sweepSparing(lake: TripsLake, spared: ReadonlySet<string>) {
    const plan = await findOrphans(lake, NAME, NOTHING)
    lake.clock.ms += HOUR_MS
    const orphans = plan.orphans.filter(({ uri }) => !spared.has(uri))
    // The manifest, the list and the metadata of the attempt that is under way.
    expect(orphans).toHaveLength(3)
    await removeOrphans(lake, NAME, { ...plan, orphans }, { ...NOTHING, remover: lake.objects })
  }
})

it('a table that nobody ever committed to loses nothing but what is not its own', async () => {
  const lake = await tripsLake()
  await writeTrips(lake, 'lost', 1)
  lake.clock.ms += 2 * DAY_MS

  expect(await sweep(lake)).toMatchObject({ removed: 1 })
  expect((await tableOf(lake)).schema).toEqual(CREATE.schema)
})
