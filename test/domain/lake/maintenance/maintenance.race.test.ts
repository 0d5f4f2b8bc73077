import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { commit, type Decide } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import {
  type Fences,
  fencesProperty,
  fencesSummary,
  readFences,
  refuseOnHold,
} from '#lib/domain/lake/fences.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { FaultyCatalog, OUTCOMES } from '../faulty-catalog.ts'
import { countingIds, NAME, writeTrips } from '../lake-fixture.ts'
import { CREATE, DAY_MS, HOUR_MS, rowsOf } from './maintenance-fixture.ts'

const ENTRIES = 5
const ROWS_EACH = 3
const SHORT = {
  'history.expire.min-snapshots-to-keep': '3',
  'history.expire.max-snapshot-age-ms': '0',
  'commit.manifest.min-count-to-merge': '3',
  'write.metadata.previous-versions-max': '2',
}
const at = (position: number): SequenceNumber => sequenceNumber(String(position))

/** The committer: entries past the fence, one by one, as long as the table is not on hold. */
function nextEntry(entries: readonly (readonly DataFile[])[]): Decide {
  return async (table) => {
    refuseOnHold(table)
    const { a } = await readFences(table)
    const done = a === undefined ? 0 : entries.findIndex((_, index) => at(index + 1) === a) + 1
    if (done >= entries.length) return undefined
    const fences: Fences = { a: at(done + 1) }
    return {
      files: entries[done]!,
      summary: fencesSummary(fences),
      setProperties: (id) => fencesProperty(id, fences),
    }
  }
}

/** What a process may run into and is tried again later: nothing of it may cost a row. */
const HARMLESS = ['lake.onHold', 'lake.filesStale', 'lake.orphansTooFresh', 'lake.snapshotGone']

async function tolerant(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!HARMLESS.some((code) => hasCode(error, code))) throw error
  }
}

it('no interleaving of commits and maintenance loses or doubles a row, whatever the clock does', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...OUTCOMES), { maxLength: 10 }),
      // Up to days may pass between any two steps of a process.
      fc.array(fc.constantFrom(1, 1000, HOUR_MS, 13 * HOUR_MS, 2 * DAY_MS), { minLength: 1 }),
      async (s, plan, pauses) => {
        let [now, asked] = [Date.UTC(2026, 10, 1), 0]
        const clock = {
          nowMs: () => {
            now += pauses[asked++ % pauses.length]!
            return now
          },
        }
        const store = new MemoryObjectStore({ clock: { nowMs: () => now } })
        const good: Lake = {
          objects: store,
          catalog: new MemoryCatalog(),
          clock,
          ids: countingIds(),
        }
        await createTableIfAbsent(good, { ...CREATE, properties: SHORT })
        const entries: (readonly DataFile[])[] = []
        for (let index = 0; index < ENTRIES; index++) {
          entries.push(await writeTrips(good, `entry-${index}`, ROWS_EACH))
        }
        const waiting = async ({ a = 'start' }: Fences) =>
          new Set(
            entries.flatMap((files, index) =>
              a === 'start' || at(index + 1) > a ? files.map(({ path }) => path) : [],
            ),
          )
        const catalog = new FaultyCatalog(good.catalog, plan)
        const lakeOf = (seed: number) => scheduled(good, store, catalog, s, seed)
        const often = async (times: number, work: () => Promise<unknown>) => {
          for (let index = 0; index < times; index++) await tolerant(work)
        }
        const drain = async (lake: Lake) => {
          for (let index = 0; index < 3 * ENTRIES; index++) {
            await tolerant(() => commit(lake, NAME, nextEntry(entries), { attempts: 50 }))
          }
        }

        await s.waitFor(
          Promise.all([
            drain(lakeOf(2)),
            often(2, () => compact(lakeOf(3), NAME, { minFiles: 2, commit: { attempts: 50 } })),
            often(2, () => rewriteManifests(lakeOf(4), NAME, { attempts: 50 })),
            often(2, () => expireSnapshots(lakeOf(5), NAME, { atLeast: 1, currentWithinMs: 0 })),
            often(2, async () => {
              const lake = lakeOf(6)
              const orphans = await findOrphans(lake, NAME, { waiting })
              const options = { waiting, remover: store, readerGraceMs: 0 }
              await removeOrphans(lake, NAME, orphans, options)
            }),
            often(2, async () => {
              const lake = lakeOf(7)
              const { snapshots } = (await loadTable(lake, NAME))!
              if (snapshots.length === 0) return
              await rollBack(lake, NAME, snapshots[0]!.snapshotId, { reason: 'test' })
            }),
            often(4, () => releaseHold(lakeOf(8), NAME)),
          ]),
        )
        await s.waitIdle()
        await releaseHold(good, NAME)
        for (let index = 0; index < ENTRIES; index++) await commit(good, NAME, nextEntry(entries))

        // Read from the files themselves: each must be there, with each of its rows once.
        const rows = await rowsOf(good)
        const ids = rows.map((row) => row.split(' ')[0])
        const expected = entries.flatMap((_, index) =>
          Array.from({ length: ROWS_EACH }, (_, row) => `entry-${index}-${row}`),
        )
        expect(ids).toEqual(expected.toSorted())
      },
    ),
    { numRuns: 100 },
  )
})

/** The same lake, where the scheduler decides which waiting call of all processes goes on next. */
function scheduled(
  lake: Lake,
  store: ObjectStore,
  catalog: FaultyCatalog,
  s: fc.Scheduler,
  seed: number,
): Lake {
  const turn = <Result>(label: string, call: () => Promise<Result>): Promise<Result> =>
    s.schedule(Promise.resolve(), label).then(call)
  const objects: ObjectStore = {
    get: (uri) => turn('get', () => store.get(uri)),
    put: (uri, body) => turn('put', () => store.put(uri, body)),
    putIfAbsent: (uri, body) => turn('create', () => store.putIfAbsent(uri, body)),
    async *list(prefix) {
      for await (const object of store.list(prefix)) {
        yield await turn('list', async () => object)
      }
    },
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
