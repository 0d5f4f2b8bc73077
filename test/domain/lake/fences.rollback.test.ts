import { beforeEach, describe, expect, it } from 'vitest'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { fencesProperty, fencesSummary, readFences } from '#lib/domain/lake/fences.ts'
import { createTableIfAbsent, loadTable } from '#lib/domain/lake/table.ts'
import { encodeTableMetadata, type TableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { BY_DAY, LOCATION, memoryLake, NAME, TRIPS, writeTrips } from './lake-fixture.ts'

const at = (digits: number) => sequenceNumber(String(digits))
let lake: ReturnType<typeof memoryLake>
/** Objects that somebody deleted. */
let deleted: Set<string>

beforeEach(async () => {
  lake = memoryLake()
  deleted = new Set()
  const get = lake.objects.get.bind(lake.objects)
  // As S3 answers for what is gone: the store in memory has no such name.
  lake.objects.get = (uri) => get(deleted.has(uri) ? `${uri}.gone` : uri)
  await createTableIfAbsent(lake, { name: NAME, location: LOCATION, schema: TRIPS, spec: BY_DAY })
})

/** A commit of ours up to a position; answers its snapshot. */
async function ours(position: number): Promise<bigint> {
  const files = await writeTrips(lake, `p${position}`, 2)
  const fences = { s: at(position) }
  const { snapshotId } = await commit(lake, NAME, () => ({
    files,
    summary: fencesSummary(fences),
    setProperties: (id) => fencesProperty(id, fences),
  }))
  return snapshotId!
}

let foreign = 0n
/** Another engine's commit: it keeps the properties and the log of metadata, as Iceberg says. */
async function theirs(change: (metadata: TableMetadata) => Partial<TableMetadata>): Promise<void> {
  const table = (await loadTable(lake, NAME))!
  const { version } = (await lake.catalog.load(NAME))!
  const metadataLocation = `${LOCATION}/metadata/${++foreign}-foreign.metadata.json`
  const next: TableMetadata = {
    ...table.metadata,
    ...change(table.metadata),
    'metadata-log': [
      ...table.metadata['metadata-log'],
      { 'timestamp-ms': 1, 'metadata-file': table.metadataLocation },
    ],
  }
  await lake.objects.put(metadataLocation, encodeTableMetadata(next))
  await lake.catalog.swap(NAME, { expectedVersion: version, metadataLocation })
}

/** A new snapshot on top of the current one: a compaction, or anything else. */
const compacted = () =>
  theirs((metadata) => {
    const id = 9_000n + ++foreign
    const sequence = metadata['last-sequence-number'] + 1
    return {
      'last-sequence-number': sequence,
      'current-snapshot-id': id,
      snapshots: [
        ...metadata.snapshots,
        {
          'snapshot-id': id,
          'parent-snapshot-id': metadata['current-snapshot-id']!,
          'sequence-number': sequence,
          'timestamp-ms': 1,
          'manifest-list': 'elsewhere',
          summary: { operation: 'replace' },
        },
      ],
    }
  })
/** All snapshots but the current one; the log of snapshots goes with them. */
const expired = () =>
  theirs((metadata) => ({
    snapshots: metadata.snapshots.filter(
      (one) => one['snapshot-id'] === metadata['current-snapshot-id'],
    ),
    'snapshot-log': [],
  }))
const rolledBackTo = (id: bigint) => theirs(() => ({ 'current-snapshot-id': id }))
const fencesNow = async () => readFences((await loadTable(lake, NAME))!)
async function deleteEarlierMetadata(): Promise<void> {
  const table = (await loadTable(lake, NAME))!
  for (const entry of table.metadata['metadata-log']) deleted.add(entry['metadata-file'])
}

describe('fences hold', () => {
  it('after another engine compacted twice and expired all snapshots but one', async () => {
    await ours(1)
    await ours(2)
    await compacted()
    await compacted()
    await expired()

    expect(await fencesNow()).toEqual({ s: at(2) })
  })

  it('after it did so again and again, and the snapshot that set them was kept by a tag', async () => {
    await ours(1)
    const tagged = (await loadTable(lake, NAME))!.metadata.snapshots
    await compacted()
    await compacted()
    await expired()
    await theirs(({ snapshots }) => ({ snapshots: [...tagged, ...snapshots] }))
    await compacted()
    await compacted()

    expect(await fencesNow()).toEqual({ s: at(1) })
  })

  it('and nothing but the metadata at hand is read as long as nothing has expired', async () => {
    await ours(1)
    await compacted()
    await compacted()
    await deleteEarlierMetadata()

    expect(await fencesNow()).toEqual({ s: at(1) })
  })

  it('after one of the earlier metadata files was deleted, if an older one still tells', async () => {
    await ours(1)
    await compacted()
    await compacted()
    await compacted()
    await expired()
    const { metadata } = (await loadTable(lake, NAME))!
    const [before, last] = metadata['metadata-log'].slice(-2).map((one) => one['metadata-file'])

    deleted.add(last!)
    expect(await fencesNow()).toEqual({ s: at(1) })
    deleted.add(before!)
    await expect(fencesNow()).rejects.toMatchObject({ code: 'lake.fencesUnproven' })
  })
})

describe('a rollback behind the fences is noticed', () => {
  const refused = { code: 'lake.rolledBack' }

  it('at once', async () => {
    const first = await ours(1)
    await ours(2)
    await rolledBackTo(first)
    await deleteEarlierMetadata()

    await expect(fencesNow()).rejects.toMatchObject(refused)
  })

  it('by the age of what is current, where nothing tells what came before that', async () => {
    const first = await ours(1)
    const second = await ours(2)
    await ours(3)
    await rolledBackTo(second)
    await theirs(({ snapshots }) => ({
      snapshots: snapshots.filter((one) => one['snapshot-id'] !== first),
    }))
    await deleteEarlierMetadata()

    await expect(fencesNow()).rejects.toMatchObject(refused)
  })

  it('when what it took back has expired', async () => {
    const first = await ours(1)
    await ours(2)
    await rolledBackTo(first)
    await expired()

    await expect(fencesNow()).rejects.toMatchObject(refused)
  })

  it('under later commits of another engine, and the expiry of all snapshots but one', async () => {
    const first = await ours(1)
    await ours(2)
    await rolledBackTo(first)
    await compacted()
    await compacted()
    await expired()

    await expect(fencesNow()).rejects.toMatchObject(refused)
  })

  it('when the table was emptied', async () => {
    await ours(1)
    await theirs((metadata) => {
      const { 'current-snapshot-id': _none, ...rest } = metadata
      return { ...rest, 'current-snapshot-id': undefined as never }
    })

    await expect(fencesNow()).rejects.toMatchObject(refused)
  })
})

it('where nobody can tell any more, nothing is taken for granted', async () => {
  await ours(1)
  await compacted()
  await compacted()
  await expired()
  await deleteEarlierMetadata()

  await expect(fencesNow()).rejects.toMatchObject({ code: 'lake.fencesUnproven' })
})
