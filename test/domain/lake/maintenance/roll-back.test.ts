import { describe, expect, it } from 'vitest'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import {
  type Fences,
  fencesProperty,
  fencesSummary,
  HOLD_PROPERTY,
  readFences,
  refuseOnHold,
} from '#lib/domain/lake/fences.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { oldestFences } from '#lib/domain/lake/snapshot-state.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import { encodeTableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { FaultyCatalog, OUTCOMES } from '../faulty-catalog.ts'
import { NAME, writeTrips } from '../lake-fixture.ts'
import { change, liveFiles, rowsOf, tableOf, tripsLake } from './maintenance-fixture.ts'

const at = (position: number): SequenceNumber => sequenceNumber(String(position))
const REASON = { reason: 'a bad deployment' }

/** Appends and moves the fence of a shard there, as the committer does. */
async function entry(lake: Lake, position: number): Promise<bigint> {
  const files = await writeTrips(lake, `e${position}`, 2)
  const fences: Fences = { a: at(position) }
  const { snapshotId } = await commit(lake, NAME, () =>
    change({
      files,
      summary: fencesSummary(fences),
      setProperties: (id) => fencesProperty(id, fences),
    }),
  )
  return snapshotId!
}

async function entries(...positions: readonly number[]) {
  const lake = await tripsLake()
  const ids: bigint[] = []
  for (const position of positions) ids.push(await entry(lake, position))
  return { lake, ids }
}

describe('rolling back', () => {
  it('sets snapshot and fences in one swap, and leaves the table on hold', async () => {
    const { lake, ids } = await entries(1, 2, 3)
    const rows = (await rowsOf(lake)).length

    const { table, attempts } = await rollBack(lake, NAME, ids[0]!, REASON)

    expect(attempts).toBe(1)
    expect(table.currentSnapshot?.snapshotId).toBe(ids[0])
    expect(await readFences(table)).toEqual({ a: at(1) })
    expect(table.properties[HOLD_PROPERTY]).toBe('a bad deployment')
    expect(() => refuseOnHold(table)).toThrow(expect.objectContaining({ code: 'lake.onHold' }))
    expect(await rowsOf(lake)).toHaveLength(rows / 3)
    expect(table.snapshots).toHaveLength(3)
    expect(table.metadata['snapshot-log'].at(-1)).toMatchObject({ 'snapshot-id': ids[0] })
  })

  it('can be taken back, and released, after which commits go on from the fence', async () => {
    const { lake, ids } = await entries(1, 2, 3)
    await rollBack(lake, NAME, ids[0]!, REASON)

    const forward = await rollBack(lake, NAME, ids[1]!, { reason: 'the second was good' })
    expect(await readFences(forward.table)).toEqual({ a: at(2) })
    const { table } = await releaseHold(lake, NAME)
    expect(table.properties).not.toHaveProperty(HOLD_PROPERTY)
    await entry(lake, 4)

    const after = await tableOf(lake)
    expect(after.currentSnapshot?.parentSnapshotId).toBe(ids[1])
    expect(await readFences(after)).toEqual({ a: at(4) })
    expect(await liveFiles(lake)).toHaveLength(3)
  })

  it('takes the fences of the nearest ancestor for a snapshot of another engine', async () => {
    const { lake, ids } = await entries(1, 2)
    const foreign = (await commit(lake, NAME, () => change({}))).snapshotId!
    await withoutSummary(lake, foreign)
    await entry(lake, 3)

    const { table } = await rollBack(lake, NAME, foreign, REASON)

    expect(table.currentSnapshot?.snapshotId).toBe(foreign)
    expect(await readFences(table)).toEqual({ a: at(2) })
    expect(table.snapshots.map(({ snapshotId }) => snapshotId)).toContain(ids[1])
  })

  it('is refused for a snapshot that is not there, or whose fences nobody knows', async () => {
    const lake = await tripsLake()
    const bare = (await commit(lake, NAME, () => change({}))).snapshotId!
    await entry(lake, 1)

    await expect(rollBack(lake, NAME, 5n, REASON)).rejects.toMatchObject({
      code: 'lake.snapshotGone',
    })
    await expect(rollBack(lake, NAME, bare, REASON)).rejects.toMatchObject({
      code: 'lake.fencesUnproven',
    })
  })

  it('needs no fences in a table that has none', async () => {
    const lake = await tripsLake()
    const first = (await commit(lake, NAME, () => change({}))).snapshotId!
    await commit(lake, NAME, () => change({}))

    const { table } = await rollBack(lake, NAME, first, REASON)

    expect(table.currentSnapshot?.snapshotId).toBe(first)
    expect(table.properties).not.toHaveProperty('weir.fences')
  })

  it('brings back what else goes with the rows, also past a compaction, and takes away what came later', async () => {
    const lake = await tripsLake()
    const set = (position: number, more: Record<string, string>) =>
      commit(lake, NAME, () => {
        const fences: Fences = { a: at(position) }
        return change({
          summary: { ...fencesSummary(fences), ...more, 'weir.entries': '1' },
          setProperties: (id) => ({
            ...fencesProperty(id, fences),
            ...more,
            'weir.contract': '1.0.0',
          }),
        })
      })
    const first = (await set(1, {})).snapshotId!
    await set(2, { 'weir.closed': '20' })
    const kept = (await commit(lake, NAME, () => change({}))).snapshotId!
    await set(3, { 'weir.closed': '30' })

    const { table } = await rollBack(lake, NAME, kept, REASON)
    expect(table.properties).toMatchObject({ 'weir.closed': '20', 'weir.contract': '1.0.0' })
    expect(table.currentSnapshot?.summary).toMatchObject({ 'weir.closed': '20' })
    expect(table.currentSnapshot?.summary).not.toHaveProperty('weir.entries')

    const back = await rollBack(lake, NAME, first, REASON)
    expect(back.table.properties).not.toHaveProperty('weir.closed')
    expect(await readFences(back.table)).toEqual({ a: at(1) })
    const again = await rollBack(lake, NAME, kept, REASON)
    expect(again.table.properties).toMatchObject({ 'weir.closed': '20', 'weir.contract': '1.0.0' })
  })

  it.each(OUTCOMES)('stands where it was asked for when its swap is %s', async (outcome) => {
    const { lake, ids } = await entries(1, 2)
    const catalog = new FaultyCatalog(lake.catalog, [outcome])

    await rollBack({ ...lake, catalog }, NAME, ids[0]!, REASON)
    await catalog.land()

    const table = await tableOf(lake)
    expect(table.currentSnapshot?.snapshotId).toBe(ids[0])
    expect(await readFences(table)).toEqual({ a: at(1) })
    expect(table.properties[HOLD_PROPERTY]).toBe('a bad deployment')
  })

  it('takes a live append back too, which finds the table on hold when it tries again', async () => {
    const { lake, ids } = await entries(1, 2)
    const files = await writeTrips(lake, 'e3', 2)
    let asked = 0

    const appending = commit(lake, NAME, async (table) => {
      if (++asked === 1) await rollBack(lake, NAME, ids[0]!, REASON)
      refuseOnHold(table)
      return change({ files, setProperties: (id) => fencesProperty(id, { a: at(3) }) })
    })

    await expect(appending).rejects.toMatchObject({ code: 'lake.onHold' })
    expect(asked).toBe(2)
    expect((await tableOf(lake)).currentSnapshot?.snapshotId).toBe(ids[0])
  })

  it('refuses what was compacted before it, since its files are not there any more', async () => {
    const { lake, ids } = await entries(1, 2, 3)
    const catalog = lake.catalog
    let isDone = false
    const busy = {
      load: catalog.load.bind(catalog),
      create: catalog.create.bind(catalog),
      swap: async (...args: Parameters<typeof catalog.swap>) => {
        if (!isDone) {
          isDone = true
          await rollBack(lake, NAME, ids[0]!, REASON)
          await releaseHold(lake, NAME)
        }
        return await catalog.swap(...args)
      },
    }

    const report = await compact({ ...lake, catalog: busy }, NAME, { minFiles: 2 })

    expect(report).toMatchObject({ commits: 0, outdated: 3 })
    expect(await liveFiles(lake)).toHaveLength(1)
  })
})

describe('the fences behind all retained snapshots', () => {
  it('are the lowest of each shard, and its start where one of them has none', async () => {
    const lake = await tripsLake()
    const set = (fences: Fences) =>
      commit(lake, NAME, () =>
        change({
          summary: fencesSummary(fences),
          setProperties: (id) => fencesProperty(id, fences),
        }),
      )
    await set({ a: at(5) })
    await set({ a: at(10), b: at(7) })
    expect(oldestFences(await tableOf(lake))).toEqual({ a: at(5), b: 'start' })

    await set({ a: at(9), b: at(8) })
    const table = await tableOf(lake)
    expect(oldestFences({ ...table, snapshots: table.snapshots.slice(1) })).toEqual({
      a: at(9),
      b: at(7),
    })
  })

  it('are unknown as long as those of one are', async () => {
    const lake = await tripsLake()
    await commit(lake, NAME, () => change({}))
    await entry(lake, 1)

    expect(oldestFences(await tableOf(lake))).toBeUndefined()
  })
})

/** Makes a snapshot one of an engine that knows no fences. */
async function withoutSummary(lake: Lake, snapshotId: bigint): Promise<void> {
  const { metadata, metadataLocation } = await tableOf(lake)
  const snapshots = metadata.snapshots.map((snapshot) =>
    snapshot['snapshot-id'] === snapshotId
      ? { ...snapshot, summary: { operation: 'replace' } }
      : snapshot,
  )
  await lake.objects.put(metadataLocation, encodeTableMetadata({ ...metadata, snapshots }))
}
