import { describe, expect, it } from 'vitest'
import { commit } from '#lib/domain/lake/commit.ts'
import { fencesProperty, fencesSummary, readFences } from '#lib/domain/lake/fences.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { FaultyCatalog } from '../faulty-catalog.ts'
import { NAME } from '../lake-fixture.ts'
import {
  append,
  change,
  DAY_MS,
  HOUR_MS,
  liveFiles,
  tableOf,
  tripsLake,
  urisIn,
} from './maintenance-fixture.ts'

const LONG = {
  'history.expire.min-snapshots-to-keep': '100',
  'history.expire.max-snapshot-age-ms': String(7 * DAY_MS),
}

async function aged(commits: number, properties = LONG) {
  const lake = await tripsLake(properties)
  for (let at = 0; at < commits; at++) await append(lake, `f${at}`, 1)
  return lake
}

describe('expiring snapshots', () => {
  it('keeps what the properties say, unless told otherwise', async () => {
    const lake = await aged(6)
    lake.clock.ms += DAY_MS

    expect((await expireSnapshots(lake, NAME)).expired).toEqual([])
    const before = await tableOf(lake)
    const { table, expired } = await expireSnapshots(lake, NAME, { atLeast: 2, currentWithinMs: 0 })

    const ids = before.snapshots.map(({ snapshotId }) => snapshotId)
    expect(expired).toEqual(ids.slice(0, 4))
    expect(table.snapshots.map(({ snapshotId }) => snapshotId)).toEqual(ids.slice(4))
    expect(await table.liveFiles()).toHaveLength(6)
    expect((await expireSnapshots(lake, NAME, { atLeast: 2, currentWithinMs: 0 })).expired).toEqual(
      [],
    )
  })

  it('leaves readers an hour with what was current when they came, and all objects', async () => {
    const lake = await aged(3)
    lake.clock.ms += DAY_MS
    await append(lake, 'late', 1)
    const objects = await urisIn(lake)

    const soon = await expireSnapshots(lake, NAME, { atLeast: 1, currentWithinMs: 0 })
    lake.clock.ms += HOUR_MS
    const later = await expireSnapshots(lake, NAME, { atLeast: 0, currentWithinMs: 0 })

    // The third one was current for a day, until a moment ago.
    expect([soon.expired.length, soon.table.snapshots.length]).toEqual([2, 2])
    expect([later.expired.length, later.table.snapshots.length]).toEqual([1, 1])
    const now = new Set(await urisIn(lake))
    expect(objects.filter((uri) => !now.has(uri))).toEqual([])
    expect(await liveFiles(lake)).toHaveLength(4)
  })

  it('keeps the snapshot that knows the fences of those that stay', async () => {
    const lake = await aged(2)
    const fences = { a: 'start' } as const
    await commit(lake, NAME, () =>
      change({ summary: fencesSummary(fences), setProperties: (id) => fencesProperty(id, fences) }),
    )
    lake.clock.ms += DAY_MS

    const { table } = await expireSnapshots(lake, NAME, { atLeast: 1, currentWithinMs: 0 })

    expect(table.snapshots).toHaveLength(1)
    expect(await readFences(table)).toEqual(fences)
  })

  it('tells what has expired also if the answer was lost', async () => {
    const lake = await aged(4)
    lake.clock.ms += DAY_MS
    const catalog = new FaultyCatalog(lake.catalog, ['answer lost'])

    const { expired, attempts } = await expireSnapshots({ ...lake, catalog }, NAME, {
      atLeast: 1,
      currentWithinMs: 0,
    })

    expect([expired.length, attempts]).toEqual([3, 2])
  })
})
