import { describe, expect, it } from 'vitest'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { overwrite } from '#lib/domain/lake/changes/overwrite.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import { publishBranch } from '#lib/domain/lake/refs/publish.ts'
import { createBranch } from '#lib/domain/lake/refs/refs.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { valueAt } from '#test/support/columns.ts'
import { NAME, TRIPS, trips, writeTrips } from './lake-fixture.ts'
import {
  append,
  change,
  DAY_MS,
  HOUR_MS,
  tableOf,
  tripsLake,
} from './maintenance/maintenance-fixture.ts'

const where = (text: string) => parsePredicate(text, TRIPS)

/** What may be repeated until it is done, and how many rows there are then. */
const WORKS: Readonly<Record<string, readonly [(lake: Lake) => Promise<unknown>, number]>> = {
  'an append': [
    async (lake) => {
      const done = (await tableOf(lake)).properties.done
      if (done !== undefined) return
      const files = await writeTrips(lake, 'c', 3)
      await commit(lake, NAME, (table) =>
        table.properties.done === undefined
          ? change({ files, setProperties: () => ({ done: '1' }) })
          : undefined,
      )
    },
    50,
  ],
  'a delete beside files': [
    (lake) => deleteRows(lake, NAME, where("trip_id = 'a-5'"), { mode: 'merge-on-read' }),
    46,
  ],
  'a delete that writes files anew': [
    (lake) => deleteRows(lake, NAME, where("trip_id = 'a-5'"), { mode: 'copy-on-write' }),
    46,
  ],
  'an overwrite': [
    (lake) =>
      overwrite(lake, NAME, { where: where("dropoff_at < '2019-01-02T00:00:00Z'") }, trips('n', 3)),
    3,
  ],
  'a compaction of deletes': [(lake) => compact(lake, NAME, { minFiles: 2, mostDeleted: 0 }), 47],
  'a rewrite of manifests': [(lake) => rewriteManifests(lake, NAME), 47],
  'a publication beside others': [
    async (lake) => {
      const { metadata } = await tableOf(lake)
      if (metadata.refs.audit) await publishBranch(lake, NAME, 'audit')
    },
    49,
  ],
}

/** Two files, a row of one of which is deleted, and a branch that the main one has left behind. */
async function preparedLake() {
  const lake = await tripsLake()
  await append(lake, 'a', 24)
  await createBranch(lake, NAME, 'audit')
  const files = await writeTrips(lake, 'b', 2)
  await commit(lake, NAME, () => change({ files }), { branch: 'audit' })
  await append(lake, 'd', 24)
  await deleteRows(lake, NAME, where("trip_id = 'd-1'"), { mode: 'merge-on-read' })
  return lake
}

type Death = 'dies before' | 'dies after'

class Killed extends Error {}

/** The lake of a process that is killed at its n-th effect; `effects` counts those that it got to. */
function dying(lake: Lake, at: number, death: Death) {
  const counted = { effects: 0 }
  const effect = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    // A killed process does nothing more, whatever it catches.
    if (counted.effects >= at) throw new Killed()
    counted.effects++
    if (counted.effects === at && death === 'dies before') throw new Killed()
    const result = await work()
    if (counted.effects === at) throw new Killed()
    return result
  }
  const { objects, catalog } = lake
  const store: ObjectStore = {
    get: (uri) => objects.get(uri),
    list: (prefix) => objects.list(prefix),
    put: (uri, body) => effect(() => objects.put(uri, body)),
    putIfAbsent: (uri, body) => effect(() => objects.putIfAbsent(uri, body)),
  }
  const dyingLake: Lake = {
    ...lake,
    objects: store,
    catalog: {
      load: (name) => catalog.load(name),
      create: (name, input) => effect(() => catalog.create(name, input)),
      swap: (name, input) => effect(() => catalog.swap(name, input)),
    },
  }
  return { lake: dyingLake, counted }
}

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

describe.each(Object.entries(WORKS))('%s whose process is killed', (_, [work, rows]) => {
  it.each<Death>(['dies before', 'dies after'])(
    'at any step (%s it) is whole after a repeat, once, and leaves nothing after a sweep',
    async (death) => {
      const whole = await preparedLake()
      const { lake: counting, counted } = dying(whole, Number.POSITIVE_INFINITY, death)
      await work(counting)
      const wanted = await idsIn(whole)
      const snapshots = (await tableOf(whole)).snapshots.length
      expect(wanted).toHaveLength(new Set(wanted).size)
      expect(wanted).toHaveLength(rows)
      expect(counted.effects).toBeGreaterThan(2)

      for (let at = 1; at <= counted.effects; at++) {
        const lake = await preparedLake()
        await work(dying(lake, at, death).lake).catch((error: unknown) => {
          expect(error).toBeInstanceOf(Killed)
        })
        await work(lake)

        const after = `effect ${at} of ${counted.effects}`
        expect(await idsIn(lake), after).toEqual(wanted)
        // An overwrite puts its rows in the place of its own, if it is told twice.
        const isRepeated = work === WORKS['an overwrite']![0]
        if (!isRepeated) {
          expect((await tableOf(lake)).snapshots.length, after).toBe(snapshots)
        }
        const options = { waiting: async () => new Set<string>() }
        lake.clock.ms += DAY_MS + HOUR_MS
        const plan = await findOrphans(lake, NAME, options)
        lake.clock.ms += HOUR_MS
        await removeOrphans(lake, NAME, plan, { ...options, remover: lake.objects })
        expect(await idsIn(lake), after).toEqual(wanted)
        expect((await findOrphans(lake, NAME, options)).orphans, after).toEqual([])
      }
    },
  )
})
