import { describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { BY_DAY, LOCATION, memoryLake, TRIPS, writeTrips } from '#test/domain/lake/lake-fixture.ts'
import { asOf } from '../../bin/commands/time-travel.ts'

const DATABASE = 'cell'

/** Two tables with two snapshots each, committed in turn. */
async function tables(lake: Lake) {
  const snapshots: { id: bigint; atMs: number }[] = []
  for (const batch of ['a', 'b']) {
    for (const name of ['trips', 'zones']) {
      const table = { database: DATABASE, name }
      await createTableIfAbsent(lake, {
        name: table,
        location: `${LOCATION}/${name}`,
        schema: TRIPS,
        spec: BY_DAY,
      })
      const files = await writeTrips(lake, `${name}-${batch}`, 3)
      await commit(lake, table, () => ({ files, summary: {}, setProperties: () => ({}) }))
      const { currentSnapshot } = (await loadTable(lake, table))!
      snapshots.push({ id: currentSnapshot!.snapshotId, atMs: currentSnapshot!.timestampMs })
    }
  }
  return snapshots
}

const loader = (lake: Lake) => async (database: string, name: string) => {
  if (name === 'trips_raw') throw new PlatformError('lake.unsupportedTable', 'no Iceberg table')
  return loadTable(lake, { database, name })
}

describe('a statement as of a time', () => {
  it('reads each of its tables at the snapshot that was current then', async () => {
    const lake = memoryLake()
    const [trips1, zones1, trips2] = await tables(lake)

    const then = await asOf(
      'select * from trips t join "cell".zones using (trip_id)',
      { atMs: trips2!.atMs },
      DATABASE,
      loader(lake),
    )

    expect(then.sql).toBe(
      `select * from trips for version as of ${trips2!.id} t join "cell".zones for version as of ${zones1!.id} using (trip_id)`,
    )
    expect(then.versions).toEqual([
      {
        table: 'trips',
        snapshot: String(trips2!.id),
        committedAt: new Date(trips2!.atMs).toISOString(),
      },
      {
        table: 'cell.zones',
        snapshot: String(zones1!.id),
        committedAt: new Date(zones1!.atMs).toISOString(),
      },
    ])
    expect(trips1!.id).not.toBe(trips2!.id)
  })

  it('reads one table at a snapshot', async () => {
    const lake = memoryLake()
    const [first] = await tables(lake)

    const then = await asOf('select count(*) from trips', first!.id, DATABASE, loader(lake))

    expect(then.sql).toBe(`select count(*) from trips for version as of ${first!.id}`)
  })

  it.each([
    [
      'a time before the oldest snapshot',
      'select * from trips',
      { atMs: 0 },
      /cell\.trips was at 1970-01-01T00:00:00\.000Z is not retained: it is known from 2026/,
    ],
    [
      'an unknown snapshot',
      'select * from trips',
      12_345_678n,
      /cell\.trips has no snapshot 12345678: it may have expired/,
    ],
    [
      'a table that is none of Iceberg’s',
      'select * from trips_raw',
      { atMs: Date.now() },
      /trips_raw has no snapshots: it is a view, or files by date/,
    ],
    [
      'a table that is not there',
      'select * from nothing',
      { atMs: Date.now() },
      /no table cell\.nothing/,
    ],
    ['no table', 'select 1', { atMs: Date.now() }, /needs a statement that reads a table/],
    [
      'a version besides',
      'select * from trips for version as of 7',
      { atMs: Date.now() },
      /says itself which version of trips/,
    ],
  ])('fails with one line: %s', async (_what, sql, at, message) => {
    const lake = memoryLake()
    await tables(lake)

    await expect(asOf(sql, at, DATABASE, loader(lake))).rejects.toThrow(message)
  })

  it('refuses one snapshot for several tables', async () => {
    const lake = memoryLake()
    const [first] = await tables(lake)
    const shared = async () => loader(lake)(DATABASE, 'trips')

    await expect(asOf('select * from trips, zones', first!.id, DATABASE, shared)).rejects.toThrow(
      /a snapshot is one table’s, and the statement reads trips, zones/,
    )
  })
})
