import { describe, expect, it } from 'vitest'
import { type Change, commit } from '#lib/domain/lake/commit.ts'
import {
  expiredSnapshots,
  MAX_AGE_MS,
  MIN_SNAPSHOTS,
  withoutSnapshots,
} from '#lib/domain/lake/expire-snapshots.ts'
import { fencesProperty, fencesSummary, readFences } from '#lib/domain/lake/fences.ts'
import { newTableMetadata } from '#lib/domain/lake/new-table.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import type { SnapshotJson, TableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const CREATE = { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY }
const NOW = 100_000

type Ids = readonly (number | [id: number, summary: Record<string, string>])[]

/** A chain of snapshots, one a second, the last one at NOW. */
function chain(ids: Ids, parent?: number): SnapshotJson[] {
  return ids.map((one, at) => {
    const [id, summary] = typeof one === 'number' ? [one, {}] : one
    const before = ids[at - 1] ?? parent
    const parentId = typeof before === 'object' ? before[0] : before
    return {
      'snapshot-id': BigInt(id),
      ...(parentId !== undefined && { 'parent-snapshot-id': BigInt(parentId) }),
      'sequence-number': at + 1,
      'timestamp-ms': NOW - 1000 * (ids.length - 1 - at),
      'manifest-list': `s3://lists/${id}`,
      summary,
    }
  })
}

function table(
  snapshots: readonly SnapshotJson[],
  properties: Record<string, string>,
  more: Partial<TableMetadata> = {},
): TableMetadata {
  const current = snapshots.at(-1)!['snapshot-id']
  return {
    ...newTableMetadata({ location: LOCATION, schema: TRIPS, spec: BY_DAY, properties }, 'uuid', 0),
    'current-snapshot-id': current,
    refs: { main: { 'snapshot-id': current, type: 'branch' } },
    snapshots,
    ...more,
  }
}

const keep = (atLeast: number, youngerThanMs: number) => ({
  [MIN_SNAPSHOTS]: String(atLeast),
  [MAX_AGE_MS]: String(youngerThanMs),
})
const expired = (metadata: TableMetadata) => [...expiredSnapshots(metadata, NOW)].map(Number)

describe('snapshots that expire', () => {
  it('are those beyond the number to keep that are also too old', () => {
    const snapshots = chain([1, 2, 3, 4, 5])

    expect(expired(table(snapshots, keep(2, 0)))).toEqual([1, 2, 3])
    expect(expired(table(snapshots, keep(2, 1001)))).toEqual([1, 2])
    expect(expired(table(snapshots, keep(4, 0)))).toEqual([1])
    expect(expired(table(snapshots, keep(9, 0)))).toEqual([])
  })

  it('are not those that were current a moment ago, however long they had been', () => {
    const [old, young] = chain([1, 2])
    const metadata = table([{ ...old!, 'timestamp-ms': 1 }, young!], keep(1, 1000))

    expect(expired(metadata)).toEqual([])
    expect([...expiredSnapshots(metadata, NOW + 1000)]).toEqual([1n])
  })

  it('never include the one that the table stands at, whatever is written in its properties', () => {
    expect(expired(table(chain([1, 2]), keep(0, 0)))).toEqual([1])
    expect(expired(table(chain([1, 2]), keep(0, 0), { refs: {} }))).toEqual([1])
  })

  it('are few in a table of another engine that does not say: Iceberg keeps five days', () => {
    const [one, two, ...young] = chain([1, 2, 3, 4])
    const weekAgo = { 'timestamp-ms': NOW - 6 * 24 * 3_600_000 }
    const metadata = table([{ ...one!, ...weekAgo }, { ...two!, ...weekAgo }, ...young], {})

    expect(expired({ ...metadata, properties: {} })).toEqual([1])
    expect(
      expired({ ...metadata, properties: { [MIN_SNAPSHOTS]: 'x', [MAX_AGE_MS]: '' } }),
    ).toEqual([1])
  })

  it('are not what a tag or another branch needs, each by its own rule', () => {
    const snapshots = [...chain([1, 2, 3, 4, 5]), ...chain([21, 22, 23], 2)]
    const refs: TableMetadata['refs'] = {
      main: { 'snapshot-id': 5n, type: 'branch' },
      audit: { 'snapshot-id': 3n, type: 'tag' },
      trial: { 'snapshot-id': 23n, type: 'branch', 'min-snapshots-to-keep': 2 },
    }

    expect(expired({ ...table(snapshots, keep(2, 0)), 'current-snapshot-id': 5n, refs })).toEqual([
      1, 2, 21,
    ])
    expect(
      expired({
        ...table(snapshots, keep(1, 0)),
        refs: { ...refs, trial: { ...refs.trial!, 'max-snapshot-age-ms': 1_000_000 } },
      }),
    ).toEqual([4])
  })

  it('include those that a rollback left behind only once they are old', () => {
    const snapshots = chain([1, 2, 3, 4])
    const refs: TableMetadata['refs'] = { main: { 'snapshot-id': 2n, type: 'branch' } }

    expect(expired(table(snapshots, keep(9, 0), { refs }))).toEqual([3, 4])
    expect(expired(table(snapshots, keep(9, 1000), { refs }))).toEqual([3])
  })

  it('are not those from which a snapshot without fences has its own', () => {
    const fences = fencesSummary({ a: 'start' })
    const snapshots = chain([[1, fences], [2, fences], 3, 4, 5])

    expect(expired(table(snapshots, keep(1, 0)))).toEqual([1])
    expect(expired(table(chain([1, 2, 3, 4]), keep(1, 0)))).toEqual([1, 2, 3])
  })

  it('are not the one that set the fences, which somebody rolled back from and may go forward to', () => {
    const refs: TableMetadata['refs'] = { main: { 'snapshot-id': 1n, type: 'branch' } }
    const behind = { ...keep(1, 0), ...fencesProperty(3n, { a: 'start' }) }

    expect(expired(table(chain([1, 2, 3, 4]), behind, { refs }))).toEqual([2, 4])
    expect(
      expired(table(chain([1, 2]), { ...behind, 'weir.fences': 'no JSON' }, { refs })),
    ).toEqual([2])
  })

  it('are also young ones when the metadata would become larger than a catalog takes', () => {
    const large = { note: 'x'.repeat(1_000_000) }
    const snapshots = chain(Array.from({ length: 20 }, (_, at) => [at + 1, large]))

    const gone = expired(table(snapshots, keep(100, 1_000_000)))

    expect(gone).toEqual(Array.from({ length: 13 }, (_, at) => at + 1))
  })

  it('take along what is told of them alone, and the log before them', () => {
    const snapshots = chain([1, 2, 3, 4])
    const puffin = (id: bigint) => ({ 'snapshot-id': id, 'statistics-path': `s3://${id}` })
    const line = (id: bigint) => ({ 'snapshot-id': id, 'timestamp-ms': Number(id) })
    const metadata = table(
      snapshots,
      {},
      {
        'snapshot-log': [1n, 2n, 3n, 2n, 4n].map(line),
        statistics: [1n, 4n].map(puffin),
        'partition-statistics': [puffin(3n)],
      },
    )

    const left = withoutSnapshots(metadata, new Set([1n, 3n]))

    expect(left.snapshots.map((one) => one['snapshot-id'])).toEqual([2n, 4n])
    // That 2 was current once more stays true; what was before 3 is not told with a gap.
    expect(left['snapshot-log']).toEqual([2n, 4n].map(line))
    expect(left.statistics).toEqual([puffin(4n)])
    expect(left['partition-statistics']).toEqual([])
    expect(withoutSnapshots(metadata, new Set())).toBe(metadata)
  })
})

const change = (some: Partial<Change>): Change => ({
  files: [],
  summary: {},
  setProperties: () => ({}),
  ...some,
})

async function smallLake(properties: Record<string, string>) {
  const lake = memoryLake()
  await createTableIfAbsent(lake, { ...CREATE, properties })
  return lake
}

async function uris(lake: Lake): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for await (const { uri } of lake.objects.list(LOCATION)) found.add(uri)
  return found
}

describe('a commit', () => {
  it('lets old snapshots go and none of their objects', async () => {
    const lake = await smallLake(keep(3, 0))
    const seen = new Set<string>()
    for (let times = 0; times < 8; times++) {
      const files = await writeTrips(lake, `f${times}`, 1)
      const { table: after } = await commit(lake, NAME, () => change({ files }))
      seen.add(after.currentSnapshot!.manifestList)
    }

    const { snapshots, liveFiles, metadata } = (await loadTable(lake, NAME))!

    expect(snapshots).toHaveLength(3)
    expect(metadata['snapshot-log']).toHaveLength(3)
    expect(await liveFiles()).toHaveLength(8)
    const there = await uris(lake)
    expect([...seen].filter((uri) => !there.has(uri))).toEqual([])
  })

  it('keeps five minutes of a new table, and fifty snapshots at least', async () => {
    const lake = await smallLake({})
    let now = Date.UTC(2027, 0, 1)
    const timed = { ...lake, clock: { nowMs: () => now } }
    for (let times = 0; times < 80; times++) {
      now += 5000
      await commit(timed, NAME, () => change({}))
    }
    expect((await loadTable(lake, NAME))!.snapshots).toHaveLength(61)

    for (let times = 0; times < 60; times++) {
      now += 60_000
      await commit(timed, NAME, () => change({}))
    }
    expect((await loadTable(lake, NAME))!.snapshots).toHaveLength(50)
  })

  it('that moves no fence carries them on, so that they outlive the snapshot that set them', async () => {
    const lake = await smallLake(keep(2, 0))
    const fences = { a: 'start' } as const
    await commit(lake, NAME, () =>
      change({ summary: fencesSummary(fences), setProperties: (id) => fencesProperty(id, fences) }),
    )

    for (let times = 0; times < 5; times++) await commit(lake, NAME, () => change({}))

    const after = (await loadTable(lake, NAME))!
    expect(await readFences(after)).toEqual(fences)
    expect(after.snapshots.map(({ summary }) => summary['weir.fences'])).toEqual(
      Array(2).fill(JSON.stringify(fences)),
    )
  })

  it('does not make a rollback behind the fences look mended by carrying them on', async () => {
    const lake = await smallLake({})
    await commit(lake, NAME, () => change({}))
    const before = (await loadTable(lake, NAME))!.currentSnapshot!.snapshotId
    await commit(lake, NAME, () => change({ setProperties: (id) => fencesProperty(id, {}) }))
    const { metadata, metadataLocation } = (await loadTable(lake, NAME))!
    const { encodeTableMetadata } = await import('#lib/domain/lake/table-metadata.ts')
    const back = {
      ...metadata,
      'current-snapshot-id': before,
      refs: { main: { 'snapshot-id': before, type: 'branch' as const } },
    }
    await lake.objects.put(metadataLocation, encodeTableMetadata(back))

    await expect(commit(lake, NAME, () => change({}))).rejects.toMatchObject({
      code: 'lake.rolledBack',
    })
  })
})
