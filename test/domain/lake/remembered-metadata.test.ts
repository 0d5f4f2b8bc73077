import { describe, expect, it } from 'vitest'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { commitSnapshots } from '#lib/domain/lake/commit-snapshots.ts'
import { RememberedMetadata } from '#lib/domain/lake/remembered-metadata.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { objectStoreContract } from '#test/ports/object-store-contract.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const newStore = () => new MemoryObjectStore({ clock: { nowMs: () => 1 } })

describe('a store that remembers metadata', () => {
  objectStoreContract(async () => ({
    store: new RememberedMetadata(newStore()),
    prefix: 's3://bucket/metadata',
  }))

  it('does not remember what was written over', async () => {
    const store = new RememberedMetadata(newStore())
    const uri = 's3://bucket/t/metadata/a'
    await store.putIfAbsent(uri, Uint8Array.of(1))
    await store.put(uri, Uint8Array.of(2))

    expect(await store.get(uri)).toEqual(Uint8Array.of(2))
  })

  it('forgets the oldest first, and reads it then', async () => {
    const store = newStore()
    const remembering = new RememberedMetadata(store, 10)
    const read: string[] = []
    const get = store.get.bind(store)
    store.get = (uri) => {
      read.push(uri)
      return get(uri)
    }
    for (const name of ['a', 'b', 'c']) {
      await remembering.putIfAbsent(`s3://bucket/t/metadata/${name}`, new Uint8Array(4))
    }
    await remembering.putIfAbsent('s3://bucket/t/data/d', new Uint8Array(4))

    for (const uri of ['metadata/a', 'metadata/b', 'metadata/c', 'data/d']) {
      expect(await remembering.get(`s3://bucket/t/${uri}`)).toEqual(new Uint8Array(4))
    }
    expect(read).toEqual(['s3://bucket/t/metadata/a', 's3://bucket/t/data/d'])
  })
})

it('a committer reads back nothing of what it wrote, and sees what another one wrote', async () => {
  const cell = new MemoryCell(await tripsContract())
  const [ours, theirs] = [cell.objects, cell.objects].map((store) => new RememberedMetadata(store))
  let ids = 0n
  const commitWith = (objects: RememberedMetadata) =>
    commitSnapshots({
      ...cell,
      lake: { ...cell, objects, ids: { snapshotId: () => ++ids, uuid: () => `id-${++ids}` } },
      database: 'weir',
    })
  const read: string[] = []
  const get = cell.objects.get.bind(cell.objects)
  const archived = (n: number) => cell.archive().take('s', [record(n, tripText({ id: `e${n}` }))])
  await archived(1)
  await commitWith(ours!)
  await archived(2)
  cell.objects.get = (uri) => {
    read.push(uri)
    return get(uri)
  }

  await commitWith(ours!)
  expect(read).toEqual([expect.stringContaining('/batches/')])
  await archived(3)
  await commitWith(theirs!)
  await archived(4)
  await commitWith(ours!)

  const table = await loadTable(
    { ...cell, ids: { snapshotId: () => 0n, uuid: () => '' } },
    {
      database: 'weir',
      name: 'trips',
    },
  )
  expect(table!.snapshots).toHaveLength(4)
  expect((await cell.outcome()).curated).toEqual(['e1', 'e2', 'e3', 'e4'])
})
