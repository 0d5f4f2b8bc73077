import { beforeEach, expect, it } from 'vitest'
import type { Backfill } from '#lib/domain/backfill/backfill.ts'
import type { BackfillStore } from '#lib/domain/backfill/backfill-store.ts'
import type { ChunkRecord } from '#lib/domain/backfill/chunk-record.ts'

/** What every store of backfills promises; run on each adapter. `create` gives an empty one. */
export function backfillStoreContract(create: () => Promise<BackfillStore>): void {
  let store: BackfillStore
  beforeEach(async () => {
    store = await create()
  })

  const backfill = (id: string, reason = 'ü "x"'): Backfill => ({
    id,
    request: {
      product: 'trips',
      view: 'zone-fares',
      version: 1,
      definition: 'd',
      from: 0,
      to: 86_400_000_000,
    },
    requested: { by: 'ann', reason, atMs: 5 },
    state: 'requested',
    attempt: 1,
  })
  const record = (chunk: string, round: number, atMs: number, hash = 'h'): ChunkRecord => ({
    round,
    chunk,
    files: [],
    hash,
    rowsBefore: 1,
    rowsAfter: 2,
    rowsSame: 0,
    rowsAdded: 1,
    rowsGone: 0,
    features: {},
    atMs,
  })

  it('knows nothing at first, and gives back what was written', async () => {
    expect(await store.load('a')).toBeUndefined()
    expect(await store.list()).toEqual([])

    expect(await store.save(backfill('a'), undefined)).toBe(true)
    expect(await store.save(backfill('b'), undefined)).toBe(true)

    expect(await store.load('a')).toEqual({ document: backfill('a'), revision: 1 })
    expect((await store.list()).map(({ id }) => id).toSorted()).toEqual(['a', 'b'])
  })

  it('replaces a backfill only at the revision that was read', async () => {
    await store.save(backfill('a'), undefined)

    expect(await store.save(backfill('a', 'second'), undefined)).toBe(false)
    expect(await store.save(backfill('a', 'third'), 1)).toBe(true)
    expect(await store.save(backfill('a', 'fourth'), 1)).toBe(false)

    expect(await store.load('a')).toEqual({ document: backfill('a', 'third'), revision: 2 })
  })

  it('keeps the first record of a chunk, until it is stale', async () => {
    expect(await store.chunk('a', 1, '2026-01-01')).toBeUndefined()

    expect(await store.recordChunk('a', record('2026-01-01', 1, 100), 0)).toMatchObject({
      atMs: 100,
    })
    expect(await store.recordChunk('a', record('2026-01-01', 1, 200, 'other'), 100)).toMatchObject({
      atMs: 100,
      hash: 'h',
    })
    expect(await store.recordChunk('a', record('2026-01-01', 1, 300), 101)).toMatchObject({
      atMs: 300,
    })

    expect(await store.chunk('a', 1, '2026-01-01')).toEqual(record('2026-01-01', 1, 300))
  })

  it('keeps the records of rounds, chunks and backfills apart', async () => {
    await store.recordChunk('a', record('2026-01-01', 1, 1), 0)
    await store.recordChunk('a', record('2026-01-01', 2, 2), 0)
    await store.recordChunk('a', record('2026-01-02', 1, 3), 0)
    await store.recordChunk('b', record('2026-01-01', 1, 4), 0)
    await store.spend('a', { 's3.getRequests': 1 })

    expect((await store.chunks('a')).map(({ atMs }) => atMs).toSorted()).toEqual([1, 2, 3])
    expect((await store.chunks('b')).map(({ atMs }) => atMs)).toEqual([4])
  })

  it('adds up what was spent, each meter for itself', async () => {
    expect(await store.spent('a')).toEqual({})

    await store.spend('a', { 's3.getRequests': 2, 'lambda.armGbSeconds': 0.25 })
    await store.spend('a', { 's3.getRequests': 3 })
    await store.spend('b', { 's3.getRequests': 7 })
    await store.spend('a', {})

    expect(await store.spent('a')).toEqual({ 's3.getRequests': 5, 'lambda.armGbSeconds': 0.25 })
  })

  it('replaces the locks of a table only at the revision that was read', async () => {
    const locks = (fence: number) => ({
      lastFence: fence,
      held: [{ id: 'a', fence, from: 0, to: 1, untilMs: 9 }],
    })
    expect(await store.loadLocks('t')).toBeUndefined()

    expect(await store.saveLocks('t', locks(1), undefined)).toBe(true)
    expect(await store.saveLocks('t', locks(2), undefined)).toBe(false)
    expect(await store.saveLocks('t', locks(3), 1)).toBe(true)

    expect(await store.loadLocks('t')).toEqual({ document: locks(3), revision: 2 })
    expect(await store.loadLocks('other')).toBeUndefined()
  })
}
