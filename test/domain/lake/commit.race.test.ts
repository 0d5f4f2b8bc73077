import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { commit, type Decide } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { FaultyCatalog, OUTCOMES } from './faulty-catalog.ts'
import {
  BY_DAY,
  countingIds,
  LOCATION,
  memoryLake,
  NAME,
  TRIPS,
  writeTrips,
} from './lake-fixture.ts'

const ENTRIES = 6

/** Snapshots expire and manifests are merged all the time. */
const SHORT = {
  'history.expire.min-snapshots-to-keep': '2',
  'history.expire.max-snapshot-age-ms': '0',
  'commit.manifest.min-count-to-merge': '2',
}

/** Commits entries in order from the fence on, at most `most` at a time: what the table has is subtracted. */
function past(fence: string, entries: readonly (readonly DataFile[])[], most: number): Decide {
  return (table) => {
    const done = Number(table.properties[fence] ?? 0)
    const taken = entries.slice(done, done + most)
    if (taken.length === 0) return undefined
    return {
      files: taken.flat(),
      summary: {},
      setProperties: () => ({ [fence]: String(done + taken.length) }),
    }
  }
}

/** The same lake, where the scheduler decides which waiting call of all committers goes on next. */
function scheduled(lake: Lake, catalog: FaultyCatalog, s: fc.Scheduler, seed: number): Lake {
  const turn = <Result>(label: string, call: () => Promise<Result>): Promise<Result> =>
    s.schedule(Promise.resolve(), label).then(call)
  const objects: ObjectStore = {
    get: (uri) => turn('get', () => lake.objects.get(uri)),
    put: (uri, body) => turn('put', () => lake.objects.put(uri, body)),
    putIfAbsent: (uri, body) => turn('create', () => lake.objects.putIfAbsent(uri, body)),
    list: (prefix) => lake.objects.list(prefix),
  }
  const landLate = () => {
    for (const write of catalog.late.splice(0)) turn('late swap lands', write)
  }
  const port: Catalog = {
    load: (name) => turn('load', () => catalog.load(name)),
    create: (name, input) => catalog.create(name, input),
    swap: (name, input) => turn('swap', () => catalog.swap(name, input)).finally(() => landLate()),
  }
  return { ...lake, objects, catalog: port, ids: countingIds(seed) }
}

async function drain(lake: Lake, name: typeof NAME, decide: Decide): Promise<void> {
  for (;;) {
    const { committed } = await commit(lake, name, decide, { attempts: 50 })
    if (!committed) return
  }
}

it('any interleaving of committers and outcomes puts each file into the table exactly once', async () => {
  const source = memoryLake()
  const entries: (readonly DataFile[])[] = []
  for (let index = 0; index < ENTRIES; index++) {
    entries.push(await writeTrips(source, `entry-${index}`, index % 3 === 0 ? 30 : 2))
  }
  const foreign = [
    await writeTrips(source, 'foreign-0', 2),
    await writeTrips(source, 'foreign-1', 2),
  ]

  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 8 }),
      fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 })),
      async (s, plan, [mostA, mostB]) => {
        const good = memoryLake(new MemoryCatalog())
        await createTableIfAbsent(good, {
          name: NAME,
          location: LOCATION,
          schema: TRIPS,
          spec: BY_DAY,
          properties: SHORT,
        })
        const catalog = new FaultyCatalog(good.catalog, plan)
        const lakeOf = (seed: number) => scheduled(good, catalog, s, seed)

        const racing = Promise.all([
          drain(lakeOf(2), NAME, past('ours', entries, mostA)),
          drain(lakeOf(3), NAME, past('ours', entries, mostB)),
          drain(lakeOf(4), NAME, past('foreign', foreign, 1)),
        ])
        await s.waitFor(racing)
        await s.waitIdle()

        const table = (await loadTable(good, NAME))!
        const live = (await table.liveFiles()).map(({ path }) => path)
        const all = [...entries, ...foreign].flat().map(({ path }) => path)
        expect(live.toSorted()).toEqual(all.toSorted())
        expect(table.properties).toMatchObject({ ours: '6', foreign: '2' })
        expect(table.snapshots.every(({ snapshotId }) => table.isAncestor(snapshotId))).toBe(true)
      },
    ),
    { numRuns: 60 },
  )
})

/** Replaces the first live file that is an original by one that holds the same rows under another name. */
function renameOriginals(): Decide {
  return async (table) => {
    const live = await table.liveFiles()
    const original = live.find(({ path }) => !path.endsWith('.renamed'))
    if (!original) return undefined
    return {
      files: [{ ...original, path: `${original.path}.renamed` }],
      removed: [original.path],
      summary: {},
      setProperties: () => ({}),
    }
  }
}

it('any interleaving of appends and replacements keeps each file exactly once, in one of its two forms', async () => {
  const source = memoryLake()
  const entries: (readonly DataFile[])[] = []
  for (let index = 0; index < ENTRIES; index++) {
    entries.push(await writeTrips(source, `entry-${index}`, index % 3 === 0 ? 30 : 2))
  }

  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 8 }),
      async (s, plan) => {
        const good = memoryLake(new MemoryCatalog())
        const create = {
          name: NAME,
          location: LOCATION,
          schema: TRIPS,
          spec: BY_DAY,
          properties: SHORT,
        }
        await createTableIfAbsent(good, create)
        const catalog = new FaultyCatalog(good.catalog, plan)
        const lakeOf = (seed: number) => scheduled(good, catalog, s, seed)

        await s.waitFor(
          Promise.all([
            drain(lakeOf(2), NAME, past('ours', entries, 1)),
            drain(lakeOf(3), NAME, renameOriginals()),
            drain(lakeOf(4), NAME, renameOriginals()),
          ]),
        )
        await s.waitIdle()

        const table = (await loadTable(good, NAME))!
        const live = (await table.liveFiles()).map(({ path }) => path.replace(/\.renamed$/, ''))
        const all = entries.flat()
        expect(live.toSorted()).toEqual(all.map(({ path }) => path).toSorted())
        expect(table.currentSnapshot!.summary).toMatchObject({
          'total-data-files': String(all.length),
          'total-records': String(all.reduce((rows, file) => rows + file.recordCount, 0)),
        })
      },
    ),
    { numRuns: 40 },
  )
})
