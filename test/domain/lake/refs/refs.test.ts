import { describe, expect, it } from 'vitest'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import {
  fencesProperty,
  fencesSummary,
  HOLD_PROPERTY,
  readFences,
} from '#lib/domain/lake/fences.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import { publishBranch } from '#lib/domain/lake/refs/publish.ts'
import { createBranch, createTag, dropRef, namedRefs } from '#lib/domain/lake/refs/refs.ts'
import type { Lake } from '#lib/domain/lake/table.ts'
import { snapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { tableOnBranch } from '#lib/domain/lake/table-on-branch.ts'
import { FaultyCatalog, type Outcome } from '../faulty-catalog.ts'
import { NAME, TRIPS, writeTrips } from '../lake-fixture.ts'
import {
  append,
  change,
  DAY_MS,
  HOUR_MS,
  liveFiles,
  rowsOf,
  tableOf,
  tripsLake,
} from '../maintenance/maintenance-fixture.ts'

async function appendOn(lake: Lake, branch: string, prefix: string, count = 3) {
  const files = await writeTrips(lake, prefix, count)
  await commit(lake, NAME, () => change({ files }), { branch })
}

async function rowsOnBranch(lake: Lake, branch: string) {
  return await rowsOf(lake, tableOnBranch(lake, await tableOf(lake), branch))
}

describe('a branch', () => {
  it('is written to without anybody seeing it who asks for the table', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 3)
    await createBranch(lake, NAME, 'audit')

    await appendOn(lake, 'audit', 'b')
    await append(lake, 'c', 3)

    expect((await rowsOf(lake)).map((row) => row[0])).toEqual(['a', 'a', 'a', 'c', 'c', 'c'])
    expect((await rowsOnBranch(lake, 'audit')).map((row) => row[0])).toEqual([...'aaabbb'])
    expect(namedRefs(await tableOf(lake)).map(({ name, type }) => `${type} ${name}`)).toEqual([
      'branch main',
      'branch audit',
    ])
  })

  it('leaves fences and the table’s log alone', async () => {
    const lake = await tripsLake()
    const fences = { a: 'start' } as const
    await commit(lake, NAME, () =>
      change({ summary: fencesSummary(fences), setProperties: (id) => fencesProperty(id, fences) }),
    )
    await createBranch(lake, NAME, 'audit')
    const before = (await tableOf(lake)).metadata['snapshot-log']

    await appendOn(lake, 'audit', 'b')

    const table = await tableOf(lake)
    const on = tableOnBranch(lake, table, 'audit')
    expect(await readFences(table)).toEqual(fences)
    expect(on.currentSnapshot?.summary).toMatchObject(fencesSummary(fences))
    expect(table.metadata['snapshot-log']).toEqual(before)
    await expect(
      commit(lake, NAME, () => change({ setProperties: () => ({ mine: '1' }) }), {
        branch: 'audit',
      }),
    ).rejects.toMatchObject({ code: 'lake.branchProperties' })
  })

  it.each<Outcome>(['answer lost', 'applied late', 'never applied', 'repeated'])(
    'is made, written, published and dropped once if swaps are %s',
    async (outcome) => {
      const good = await tripsLake()
      await append(good, 'a', 3)
      const faulty = () => ({ ...good, catalog: new FaultyCatalog(good.catalog, [outcome]) })

      await createBranch(faulty(), NAME, 'audit')
      const files = await writeTrips(good, 'b', 3)
      await commit(
        faulty(),
        NAME,
        async (on) => ((await on.liveFiles()).length > 1 ? undefined : change({ files })),
        { branch: 'audit' },
      )
      await append(good, 'c', 3)
      const published = await publishBranch(faulty(), NAME, 'audit', { drop: false })
      const again = await publishBranch(faulty(), NAME, 'audit', { drop: false })
      await dropRef(faulty(), NAME, 'audit', 'branch')

      expect(published.how).toBe('append')
      expect(again.how).toBe('nothing')
      expect(await rowsOf(good)).toHaveLength(9)
      const { metadata, properties } = await tableOf(good)
      expect(Object.keys(metadata.refs)).toEqual(['main'])
      expect(Object.keys(properties).filter((key) => key.includes('audit'))).toEqual([])
    },
  )

  it('that nothing came in beside is published by moving the main one there, deletes and all', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)
    await createBranch(lake, NAME, 'audit')
    await appendOn(lake, 'audit', 'b')
    await deleteRows(lake, NAME, parsePredicate("trip_id = 'a-1'", TRIPS), {
      commit: { branch: 'audit' },
    })
    const before = await rowsOnBranch(lake, 'audit')

    const { how, snapshotId } = await publishBranch(lake, NAME, 'audit')

    const table = await tableOf(lake)
    expect(how).toBe('fast-forward')
    expect(table.currentSnapshot?.snapshotId).toBe(snapshotId)
    expect(await rowsOf(lake)).toEqual(before)
    expect(table.metadata.refs.audit).toBeUndefined()
    expect(table.metadata['snapshot-log'].at(-1)).toMatchObject({ 'snapshot-id': snapshotId })
  })

  it('is published beside live commits if it has only appended, and refused otherwise', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 30)
    for (const branch of ['good', 'bad']) await createBranch(lake, NAME, branch)
    await appendOn(lake, 'good', 'b')
    await appendOn(lake, 'good', 'c')
    await appendOn(lake, 'bad', 'd')
    await deleteRows(lake, NAME, parsePredicate("trip_id = 'a-1'", TRIPS), {
      commit: { branch: 'bad' },
    })
    await append(lake, 'live', 3)
    const before = (await tableOf(lake)).metadataLocation

    await expect(publishBranch(lake, NAME, 'bad')).rejects.toMatchObject({ code: 'lake.conflict' })
    expect((await tableOf(lake)).metadataLocation).toBe(before)
    const { how, files } = await publishBranch(lake, NAME, 'good')

    expect([how, files]).toEqual(['append', 2])
    expect(await rowsOf(lake)).toHaveLength(39)
    expect((await tableOf(lake)).currentSnapshot?.summary).toMatchObject({
      operation: 'append',
      'added-records': '6',
    })
  })

  it('appends no row of the main branch again when the place where it left has expired there', async () => {
    const lake = await tripsLake({ 'history.expire.min-snapshots-to-keep': '1' })
    await append(lake, 'a', 3)
    await createBranch(lake, NAME, 'audit', { minSnapshotsToKeep: 50 })
    await appendOn(lake, 'audit', 'b')
    for (const name of ['c', 'd', 'e']) {
      await append(lake, name, 3)
      lake.clock.ms += 2 * HOUR_MS
    }
    await expireSnapshots(lake, NAME, { atLeast: 1, currentWithinMs: HOUR_MS })

    await publishBranch(lake, NAME, 'audit')

    expect((await rowsOf(lake)).map((row) => row[0])).toEqual([...'aaabbbcccdddeee'])
  })

  it('is not published if its check fails, or if it has moved since', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 3)
    await createBranch(lake, NAME, 'audit')
    await appendOn(lake, 'audit', 'b')
    const failing = publishBranch(lake, NAME, 'audit', {
      check: async (on) => {
        throw new Error(`${(await on.liveFiles()).length} files are too many`)
      },
    })
    const moving = publishBranch(lake, NAME, 'audit', {
      check: () => appendOn(lake, 'audit', 'c'),
    })

    await expect(failing).rejects.toThrow('2 files are too many')
    await expect(moving).rejects.toMatchObject({ code: 'lake.badRef' })
    expect(await liveFiles(lake)).toHaveLength(1)
  })

  it('is not published to a table on hold', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 3)
    await createBranch(lake, NAME, 'audit')
    await commit(lake, NAME, () => change({ setProperties: () => ({ [HOLD_PROPERTY]: 'why' }) }))

    await expect(publishBranch(lake, NAME, 'audit')).rejects.toMatchObject({ code: 'lake.onHold' })
  })
})

describe('a tag', () => {
  it('keeps its snapshot whatever expires, until its own time is over', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 3)
    const first = (await tableOf(lake)).currentSnapshot!.snapshotId
    await createTag(lake, NAME, 'january')
    await createTag(lake, NAME, 'short', { maxRefAgeMs: 3 * HOUR_MS })
    await append(lake, 'b', 3)
    const expire = () => expireSnapshots(lake, NAME, { atLeast: 1, currentWithinMs: HOUR_MS })
    lake.clock.ms += DAY_MS
    await append(lake, 'c', 3)

    await expire()

    const { metadata } = await tableOf(lake)
    expect(snapshotOf(metadata, first)).toBeDefined()
    expect(Object.keys(metadata.refs).toSorted()).toEqual(['january', 'main'])
    await dropRef(lake, NAME, 'january', 'tag')
    lake.clock.ms += DAY_MS
    await append(lake, 'd', 3)
    await expire()
    expect(snapshotOf((await tableOf(lake)).metadata, first)).toBeUndefined()
  })

  it('goes when its time is over, also where no snapshot goes with it', async () => {
    const lake = await tripsLake()
    await append(lake, 'a', 3)
    await createTag(lake, NAME, 'short', { maxRefAgeMs: HOUR_MS })
    lake.clock.ms += DAY_MS

    const { expired, table } = await expireSnapshots(lake, NAME)

    expect(expired).toEqual([])
    expect(Object.keys(table.metadata.refs)).toEqual(['main'])
  })

  it('is one name for one snapshot', async () => {
    const lake = await tripsLake()
    await expect(createTag(lake, NAME, 'early')).rejects.toMatchObject({ code: 'lake.badRef' })
    await append(lake, 'a', 3)
    const first = (await tableOf(lake)).currentSnapshot!.snapshotId
    await createTag(lake, NAME, 'january')
    await append(lake, 'b', 3)

    await createTag(lake, NAME, 'january', { snapshotId: first })
    await expect(createTag(lake, NAME, 'january')).rejects.toMatchObject({ code: 'lake.refExists' })
    await expect(createTag(lake, NAME, 'gone', { snapshotId: 7n })).rejects.toMatchObject({
      code: 'lake.snapshotGone',
    })
    for (const name of ['main', 'with space', '', '-x']) {
      await expect(createTag(lake, NAME, name)).rejects.toMatchObject({ code: 'lake.badRef' })
    }
    await expect(createTag(lake, NAME, 'never', { maxRefAgeMs: 0 })).rejects.toMatchObject({
      code: 'lake.badRef',
    })
    await expect(dropRef(lake, NAME, 'january', 'branch')).rejects.toMatchObject({
      code: 'lake.badRef',
    })
    await expect(appendOn(lake, 'january', 'x')).rejects.toMatchObject({ code: 'lake.refNotFound' })
  })
})
