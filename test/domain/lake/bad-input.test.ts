import { describe, expect, it } from 'vitest'
import { deleteRows } from '#lib/domain/lake/changes/delete-rows.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { findOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { encodeManifestList } from '#lib/domain/lake/manifest.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import { createTableIfAbsent, loadTable, manifestsOf } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf, encodeTableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { LOCATION, NAME, TRIPS, writeTrips } from './lake-fixture.ts'
import {
  append,
  CREATE,
  change,
  tableOf,
  tripsLake,
  urisIn,
} from './maintenance/maintenance-fixture.ts'

const WHERE = parsePredicate("trip_id = 'a-1'", TRIPS)

async function damagedLake() {
  const lake = await tripsLake()
  const [file] = await append(lake, 'a', 24)
  const table = await tableOf(lake)
  const snapshot = currentSnapshotOf(table.metadata)!
  const [manifest] = await manifestsOf(lake.objects, snapshot)
  return { lake, table, snapshot, manifest: manifest!, file: file! }
}

type Damaged = Awaited<ReturnType<typeof damagedLake>>

async function cutOff({ lake }: Damaged, uri: string, share = 0.6): Promise<string> {
  const bytes = await lake.objects.get(uri)
  await lake.objects.put(uri, bytes.subarray(0, Math.floor(bytes.length * share)))
  return uri
}

const DAMAGES: Readonly<Record<string, (one: Damaged) => Promise<string>>> = {
  'a manifest that is gone': async ({ lake, manifest }) => {
    await lake.objects.remove([manifest.manifestPath])
    return manifest.manifestPath
  },
  'a manifest that is cut off': (one) => cutOff(one, one.manifest.manifestPath),
  'a manifest of which next to nothing is left': (one) =>
    cutOff(one, one.manifest.manifestPath, 0.002),
  'a manifest list that is gone': async ({ lake, snapshot }) => {
    await lake.objects.remove([snapshot['manifest-list']])
    return snapshot['manifest-list']
  },
  'a manifest list that is cut off': (one) => cutOff(one, one.snapshot['manifest-list'], 0.8),
  'a manifest of a partition spec that the table has not': async ({ lake, snapshot, manifest }) => {
    const lines = [{ ...manifest, partitionSpecId: 7 }]
    const list = encodeManifestList(lines, { snapshotId: 1n, sequenceNumber: 1 })
    await lake.objects.put(snapshot['manifest-list'], list)
    return manifest.manifestPath
  },
  'metadata that is cut off': (one) => cutOff(one, one.table.metadataLocation),
  'metadata that is gone': async ({ lake, table }) => {
    await lake.objects.remove([table.metadataLocation])
    return table.metadataLocation
  },
  'metadata whose snapshot is gone': async ({ lake, table }) => {
    const bytes = encodeTableMetadata({ ...table.metadata, snapshots: [] })
    await lake.objects.put(table.metadataLocation, bytes)
    return table.metadataLocation
  },
  'a data file that is gone': async ({ lake, file }) => {
    await lake.objects.remove([file.path])
    return file.path
  },
  'a data file that is cut off': (one) => cutOff(one, one.file.path),
  'a data file of nothing': async ({ lake, file }) => {
    await lake.objects.put(file.path, new Uint8Array(file.sizeBytes))
    return file.path
  },
}

describe.each(Object.entries(DAMAGES))('%s', (name, damage) => {
  it('is one line that names it, and nothing is written', async () => {
    const one = await damagedLake()
    const path = await damage(one)
    const { lake } = one
    const before = await urisIn(lake)
    const entry = await lake.catalog.load(NAME)
    const namesAllFiles = /data file|partition spec/.test(name)

    const works = [
      () => deleteRows(lake, NAME, WHERE),
      () => compact(lake, NAME, { minFiles: 1, mostDeleted: -1 }),
      ...(namesAllFiles ? [] : [() => findOrphans(lake, NAME, { waiting: async () => new Set() })]),
    ]
    for (const work of works) {
      const error: Error = await work().then(
        () => new Error('it worked'),
        (thrown: Error) => thrown,
      )
      expect(error.message).toContain(path)
      expect(error.message).not.toContain('\n')
    }

    expect(await urisIn(lake)).toEqual(before)
    expect(await lake.catalog.load(NAME)).toEqual(entry)
  })
})

it('a name that becomes another table’s during a commit is refused', async () => {
  const lake = await tripsLake()
  await append(lake, 'a', 3)
  const files = await writeTrips(lake, 'b', 3)
  let asked = 0

  const committing = commit(lake, NAME, async () => {
    if (++asked === 1) {
      await lake.catalog.remove(NAME)
      await createTableIfAbsent(lake, { ...CREATE, location: `${LOCATION}-2` })
      for (const theirs of ['1', '2'])
        await commit(lake, NAME, () => change({ summary: { theirs } }))
    }
    return change({ files })
  })

  await expect(committing).rejects.toMatchObject({ code: 'lake.otherTable' })
  expect(await (await loadTable(lake, NAME))!.liveFiles()).toEqual([])
})
