import { beforeEach, expect, it } from 'vitest'
import { MemoryFeatureBuffers } from '#lib/adapters/memory/memory-feature-buffers.ts'
import { MemoryPublicationStore } from '#lib/adapters/memory/memory-publication-store.ts'
import {
  abandonBuild,
  BUILD_LEASE_MS,
  type BuiltView,
  claimBuffer,
  makeLive,
  rollBackPublication,
} from '#lib/domain/features/publish/publish.ts'

const NOW = Date.UTC(2026, 0, 2)
let stores = { store: new MemoryPublicationStore(), buffers: new MemoryFeatureBuffers() }
beforeEach(() => {
  stores = { store: new MemoryPublicationStore(), buffers: new MemoryFeatureBuffers() }
})

const claim = (run: string, nowMs = NOW, view = 'v') =>
  claimBuffer(stores, { view, run, by: 'ops', nowMs })

const built = (cut: number, view = 'v'): BuiltView => ({
  view,
  definition: 'd',
  cut,
  keys: 2,
  checksum: `sum ${cut}`,
  snapshotId: '1',
})

async function seal(run: string, one: BuiltView): Promise<void> {
  const { buffer, version } = (await stores.store.load())!.publications.byView[one.view]!.building!
  const { view, keys, checksum } = one
  expect(run).toBeDefined()
  await stores.buffers.putSeal({ view, buffer, version, state: 'whole', keys, checksum })
}

const live = (run: string, ...views: readonly BuiltView[]) =>
  makeLive(stores, views, { run, by: 'ops', nowMs: NOW })

async function publish(run: string, cut: number) {
  await claim(run)
  await seal(run, built(cut))
  return live(run, built(cut))
}

const current = async (view = 'v') => (await stores.store.load())!.publications.byView[view]!

it('publishes into the buffer that nobody reads, and keeps the one before', async () => {
  await publish('one', 10)
  expect(await current()).toMatchObject({ live: { buffer: 'a', version: 1, cut: 10, run: 'one' } })

  await publish('two', 20)
  expect(await current()).toMatchObject({
    live: { buffer: 'b', version: 2, cut: 20 },
    previous: { buffer: 'a', version: 1, cut: 10 },
  })
})

it('a repeat of any step changes nothing', async () => {
  const first = await claim('one')
  expect(await claim('one')).toEqual(first)
  await seal('one', built(10))
  await live('one', built(10))
  const before = await stores.store.load()

  await live('one', built(10))

  expect(await stores.store.load()).toEqual(before)
})

it('of two publishers one wins, and the other is told who', async () => {
  await claim('one')
  await expect(claim('two')).rejects.toMatchObject({
    code: 'features.publishing',
    message: expect.stringMatching(/^v: run one \(ops\) is publishing since 2026-01-02/),
  })

  await seal('one', built(10))
  await live('one', built(10))
  expect((await claim('two')).version).toBe(2)
})

it('a run that is dead is followed by another, and can publish nothing when it wakes up', async () => {
  const dead = await claim('dead')
  await claim('next', NOW + BUILD_LEASE_MS)
  await seal('next', built(20))

  await expect(live('dead', built(20))).rejects.toMatchObject({ code: 'features.publishLost' })
  await live('next', built(20))

  await expect(live('dead', built(10))).rejects.toThrow('run dead has nothing to publish')
  expect((await current()).live).toMatchObject({ run: 'next', version: dead.version + 1 })
})

it('refuses to point to a buffer that is missing, not whole, or not what was counted', async () => {
  await publish('one', 10)
  await claim('two')
  const refused = { code: 'features.bufferIncomplete' }

  await expect(live('two', built(20))).rejects.toMatchObject(refused)
  await seal('two', { ...built(20), keys: 1 })
  await expect(live('two', built(20))).rejects.toMatchObject(refused)
  await seal('two', { ...built(20), checksum: 'another' })
  await expect(live('two', built(20))).rejects.toMatchObject(refused)

  expect((await current()).live).toMatchObject({ run: 'one' })
  await seal('two', built(20))
  await live('two', built(20))
  expect((await current()).live).toMatchObject({ run: 'two' })
})

it('several views of a run change over in one write, or none does', async () => {
  const both = [built(10), built(10, 'w')]
  await claim('one')
  await claim('one', NOW, 'w')
  await seal('one', both[0]!)
  const before = (await stores.store.load())!.revision

  await expect(live('one', ...both)).rejects.toMatchObject({ code: 'features.bufferIncomplete' })
  expect((await current()).live).toBeUndefined()

  await seal('one', both[1]!)
  await live('one', ...both)
  expect((await stores.store.load())!.revision).toBe(before + 1)
  expect((await current('w')).live).toMatchObject({ run: 'one' })
})

it('does not take readers back to an earlier cut, unless the definition is another one', async () => {
  await publish('one', 20)
  await claim('two')
  await seal('two', built(10))

  await expect(live('two', built(10))).rejects.toMatchObject({ code: 'features.olderCut' })
  await live('two', { ...built(10), definition: 'other' })
  expect((await current()).live).toMatchObject({ run: 'two', cut: 10 })
})

it('puts the one before back, and forth again', async () => {
  await publish('one', 10)
  await expect(rollBackPublication(stores, 'v')).rejects.toMatchObject({
    code: 'features.noPrevious',
  })
  await publish('two', 20)

  expect(await rollBackPublication(stores, 'v')).toMatchObject({ run: 'one', buffer: 'a' })
  expect(await rollBackPublication(stores, 'v')).toMatchObject({ run: 'two', buffer: 'b' })
  await rollBackPublication(stores, 'v')
  // What was rolled back from is what is overwritten next, never what readers get.
  expect(await claim('three')).toMatchObject({ buffer: 'b', version: 3 })
})

it('cannot put back what a run has begun to overwrite', async () => {
  await publish('one', 10)
  await publish('two', 20)
  await claim('three')

  await expect(rollBackPublication(stores, 'v')).rejects.toThrow('run three writes its buffer')
  await abandonBuild(stores.store, 'v', 'three')
  await expect(rollBackPublication(stores, 'v')).rejects.toMatchObject({
    code: 'features.noPrevious',
  })
  expect((await current()).live).toMatchObject({ run: 'two' })
})
