import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { type Change, commit, type Decide } from '#lib/domain/lake/commit.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { createTableIfAbsent, type Lake, loadTable, type Table } from '#lib/domain/lake/table.ts'
import { FaultyCatalog, type Outcome } from './faulty-catalog.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }

/** Commits what the property `done` does not cover yet, as the committer does with its fences. */
function batches(...all: readonly (readonly DataFile[])[]): Decide {
  return (table: Table): Change | undefined => {
    const done = Number(table.properties.done ?? 0)
    if (done >= all.length) return undefined
    return {
      files: all.slice(done).flat(),
      summary: {},
      setProperties: () => ({ done: String(all.length) }),
    }
  }
}

async function faultyLake(plan: readonly Outcome[]) {
  const good = memoryLake(new MemoryCatalog())
  await createTableIfAbsent(good, CREATE)
  const catalog = new FaultyCatalog(good.catalog, plan)
  return { good, catalog, lake: { ...good, catalog } }
}

async function livePaths(lake: Lake): Promise<readonly string[]> {
  const table = (await loadTable(lake, NAME))!
  return (await table.liveFiles()).map(({ path }) => path)
}

describe('a commit whose outcome is not what its answer says', () => {
  it('that was applied while the answer was lost is found, not repeated', async () => {
    const { lake } = await faultyLake(['answer lost'])
    const files = await writeTrips(lake, 'a', 30)

    const result = await commit(lake, NAME, batches(files))

    expect(result).toMatchObject({ committed: true, attempts: 2 })
    expect(result.table.currentSnapshot?.snapshotId).toBe(result.snapshotId)
    expect(result.table.snapshots).toHaveLength(1)
    expect(await livePaths(lake)).toEqual(files.map(({ path }) => path))
  })

  it('that lands only after the table was read again makes the retry conflict, and counts once', async () => {
    const { lake, catalog } = await faultyLake(['applied late'])
    const files = await writeTrips(lake, 'a', 30)
    const decide = batches(files)
    let asked = 0

    const result = await commit(lake, NAME, async (table) => {
      const append = decide(table)
      // The second time the table still looks untouched; the first attempt lands right after that look.
      if (++asked === 2) await catalog.land()
      return append
    })

    expect(result).toMatchObject({ committed: true, attempts: 3 })
    expect(result.table.snapshots).toHaveLength(1)
    expect(await livePaths(lake)).toEqual(files.map(({ path }) => path))
  })

  it('that lands after its retry has won is refused by the version', async () => {
    const { lake, catalog } = await faultyLake(['applied late'])
    const files = await writeTrips(lake, 'a', 30)

    const result = await commit(lake, NAME, batches(files))
    await catalog.land()

    expect(result).toMatchObject({ committed: true, attempts: 2 })
    expect(await livePaths(lake)).toEqual(files.map(({ path }) => path))
    expect((await loadTable(lake, NAME))!.metadataLocation).toBe(result.table.metadataLocation)
  })

  it('that never lands is tried again', async () => {
    const { lake } = await faultyLake(['never applied', 'never applied'])
    const files = await writeTrips(lake, 'a', 30)

    const result = await commit(lake, NAME, batches(files))

    expect(result).toMatchObject({ committed: true, attempts: 3 })
    expect(await livePaths(lake)).toEqual(files.map(({ path }) => path))
  })

  it('that conflicts with its own repeated success keeps the table whole', async () => {
    const { lake } = await faultyLake(['repeated'])
    const files = await writeTrips(lake, 'a', 30)

    const result = await commit(lake, NAME, batches(files))

    expect(result).toMatchObject({ committed: true, attempts: 2 })
    expect(await livePaths(lake)).toEqual(files.map(({ path }) => path))
  })

  it('gives up retryably, with everything left as it is, when no attempt gets through', async () => {
    const { lake, good } = await faultyLake(Array<Outcome>(3).fill('never applied'))
    const files = await writeTrips(lake, 'a', 30)
    const waits: number[] = []

    const giveUp = commit(lake, NAME, batches(files), {
      attempts: 3,
      pause: async (attempt) => void waits.push(attempt),
    })

    await expect(giveUp).rejects.toMatchObject({
      code: 'lake.commitAttemptsExhausted',
      retryable: true,
    })
    expect(waits).toEqual([2, 3])
    expect((await commit(good, NAME, batches(files))).committed).toBe(true)
  })

  it('passes on at once what the catalog refuses for good', async () => {
    const { good } = await faultyLake([])
    const refused = Object.assign(new Error('no'), { code: 'lake.commitRefused' })
    const catalog: Catalog = {
      load: (table) => good.catalog.load(table),
      create: () => Promise.reject(refused),
      swap: () => Promise.reject(refused),
    }
    const files = await writeTrips(good, 'a', 3)

    await expect(commit({ ...good, catalog }, NAME, batches(files))).rejects.toBe(refused)
  })
})

describe('a commit that meets others', () => {
  it('keeps what another engine committed in between', async () => {
    const { lake, good } = await faultyLake([])
    const [ours, foreign] = [await writeTrips(lake, 'ours', 5), await writeTrips(lake, 'other', 5)]
    let asked = 0

    const result = await commit(lake, NAME, async (table) => {
      const append = batches(ours)(table)
      if (++asked === 1) {
        await commit(good, NAME, () => ({
          files: foreign,
          summary: { engine: 'other' },
          setProperties: () => ({ 'other.key': 'kept' }),
        }))
      }
      return append
    })

    expect(result.attempts).toBe(2)
    expect(result.table.properties).toMatchObject({ done: '1', 'other.key': 'kept' })
    expect(result.table.snapshots.map(({ summary }) => summary.engine)).toEqual([
      'other',
      undefined,
    ])
    expect(new Set(await livePaths(lake))).toEqual(
      new Set([...ours, ...foreign].map(({ path }) => path)),
    )
  })

  it('does not add again what a rival committed of its set: the manifest is written anew', async () => {
    const { lake, good } = await faultyLake([])
    const [first, second] = [
      await writeTrips(lake, 'first', 5),
      await writeTrips(lake, 'second', 5),
    ]
    let asked = 0

    await commit(lake, NAME, async (table) => {
      const append = batches(first, second)(table)
      if (++asked === 1) await commit(good, NAME, batches(first))
      return append
    })

    expect((await livePaths(lake)).toSorted()).toEqual(
      [...first, ...second].map(({ path }) => path).toSorted(),
    )
  })

  it('writes the manifest once if the set stays the same', async () => {
    const { lake, good } = await faultyLake(['never applied', 'never applied'])
    const files = await writeTrips(lake, 'a', 5)

    await commit(lake, NAME, batches(files))

    const manifests: string[] = []
    for await (const { uri } of good.objects.list(`${LOCATION}/metadata/`)) {
      if (uri.endsWith('-m0.avro')) manifests.push(uri)
    }
    expect(manifests).toHaveLength(1)
  })

  it('does not reuse a manifest whose snapshot is in the table already', async () => {
    const { lake } = await faultyLake(['answer lost'])
    const files = await writeTrips(lake, 'a', 5)
    const always = () => ({ files, summary: {}, setProperties: () => ({}) })

    // A decide that forgets to subtract: its own fault, but the snapshots must not share an id.
    const result = await commit(lake, NAME, always)

    expect(new Set(result.table.snapshots.map(({ snapshotId }) => snapshotId)).size).toBe(2)
  })
})

describe('creating a table', () => {
  it.each<Outcome>(['answer lost', 'applied late', 'never applied', 'repeated'])(
    'ends with one table when the create is %s',
    async (outcome) => {
      const good = memoryLake()
      const catalog = new FaultyCatalog(good.catalog, [outcome])

      const table = await createTableIfAbsent({ ...good, catalog }, CREATE)
      await catalog.land()

      const found = (await loadTable(good, NAME))!
      expect(found.metadata['table-uuid']).toBe(table.metadata['table-uuid'])
    },
  )
})

describe('the commit path', () => {
  it('only ever creates objects: it overwrites none and, the port having no delete, removes none', async () => {
    const { lake, good } = await faultyLake(['answer lost', 'never applied', 'repeated'])
    const files = [await writeTrips(lake, 'a', 5), await writeTrips(lake, 'b', 5)]
    const objects = {
      get: (uri: string) => good.objects.get(uri),
      list: (prefix: string) => good.objects.list(prefix),
      put: () => Promise.reject(new Error('a commit must not overwrite')),
      putIfAbsent: async (...args: Parameters<typeof good.objects.putIfAbsent>) => {
        const result = await good.objects.putIfAbsent(...args)
        expect(result).toBe('created')
        return result
      },
    }

    await commit({ ...lake, objects }, NAME, batches(...files.slice(0, 1)))
    await commit({ ...lake, objects }, NAME, batches(...files))

    expect(await livePaths(lake)).toHaveLength(2)
  })

  it('adopts its own object when the store repeats a write, and nobody else’s', async () => {
    const { lake, good } = await faultyLake([])
    const files = await writeTrips(lake, 'a', 5)
    const repeating = {
      get: (uri: string) => good.objects.get(uri),
      list: (prefix: string) => good.objects.list(prefix),
      put: (uri: string, body: Uint8Array) => good.objects.put(uri, body),
      putIfAbsent: async (uri: string, body: Uint8Array) => {
        await good.objects.putIfAbsent(uri, body)
        return await good.objects.putIfAbsent(uri, body)
      },
    }
    const taken = { ...repeating, get: async () => new Uint8Array([1]) }

    expect((await commit({ ...lake, objects: repeating }, NAME, batches(files))).committed).toBe(
      true,
    )
    await expect(
      createTableIfAbsent(
        { ...lake, objects: taken },
        { ...CREATE, name: { database: 'cell', name: 'b' } },
      ),
    ).rejects.toMatchObject({ code: 'lake.nameTaken' })
  })
})
