import { beforeEach, expect, it } from 'vitest'
import type { BufferItem, FeatureBuffers } from '#lib/domain/features/publish/feature-buffers.ts'

/** What every store of buffers promises; run on each adapter. `create` gives an empty one that knows these views. */
export function featureBuffersContract(
  create: (views: readonly string[]) => Promise<FeatureBuffers>,
): void {
  let buffers: FeatureBuffers
  const views = Array.from({ length: 12 }, (_, at) => `view-${String(at).padStart(2, '0')}`)
  beforeEach(async () => {
    buffers = await create(views)
  })

  const item = (changes: Partial<BufferItem> = {}): BufferItem => ({
    buffer: 'a',
    view: views[0]!,
    key: 'ü "1" #a',
    version: 3,
    cut: 1_546_500_000_000_000,
    computedAtMs: 1_546_500_000_123,
    panes: [
      {
        paneStart: -3_600_000_000,
        eventTime: { min: -3_600_000_000, max: -1 },
        states: { trips: ['count/1', 2], text: 'ü"' },
      },
    ],
    window: { start: -3_600_000_000, end: 0 },
    values: '{"trips":2,"fare":12345678901234.50}',
    expiresAtMs: 1_900_000_000_000,
    ...changes,
  })
  const read = (...some: readonly BufferItem[]) => buffers.read(some, { consistent: true })
  const inOrder = (items: readonly BufferItem[]) =>
    [...items].sort((a, b) =>
      `${a.buffer}${a.key}${a.view}` < `${b.buffer}${b.key}${b.view}` ? -1 : 1,
    )

  it('gives an item back as it was written, and nothing of others', async () => {
    const running = item({ key: 'b', window: null, panes: [] })
    expect(await read(item())).toEqual([])

    expect(await buffers.write([item(), running])).toEqual([true, true])

    expect(await read(item())).toEqual([item()])
    expect(await read(running, item({ buffer: 'b' }), item({ key: 'c' }))).toEqual([running])
  })

  it('an older result never overwrites a newer one; a repeat does no harm', async () => {
    await buffers.write([item({ version: 5 })])

    expect(await buffers.write([item({ version: 4 }), item({ version: 4, key: 'new' })])).toEqual([
      false,
      true,
    ])
    expect(await buffers.write([item({ version: 5 })])).toEqual([true])

    expect((await read(item())).map(({ version }) => version)).toEqual([5])
    expect(await buffers.write([item({ version: 6 })])).toEqual([true])
    expect((await read(item())).map(({ version }) => version)).toEqual([6])
  })

  it('reads many views of many keys at once, of either buffer, and only those', async () => {
    const all = ['a', 'b'].flatMap((buffer) =>
      Array.from({ length: 20 }, (_, key) =>
        views.map((view) => item({ buffer: buffer as 'a', view, key: `key ${key}` })),
      ).flat(),
    )
    await buffers.write(all)
    const some = all.filter(({ view }) => view < views[8]!)
    const few = all.filter(
      ({ view, key }) => key === 'key 7' && [views[1], views[11]].includes(view),
    )

    expect(inOrder(await read(...some))).toEqual(inOrder(some))
    expect(inOrder(await read(...few))).toEqual(inOrder(few))
    expect(await buffers.read([...few, ...few], { consistent: false })).toHaveLength(few.length)
    expect(await read()).toEqual([])
  })

  it('keeps a seal per view and buffer, the newest version', async () => {
    const seal = {
      view: 'v',
      buffer: 'b',
      version: 2,
      state: 'whole',
      keys: 7,
      checksum: 'x',
    } as const
    expect(await buffers.seal('v', 'b')).toBeUndefined()

    expect(await buffers.putSeal({ ...seal, state: 'filling' })).toBe(true)
    expect(await buffers.putSeal(seal)).toBe(true)
    expect(await buffers.putSeal({ ...seal, version: 1 })).toBe(false)

    expect(await buffers.seal('v', 'b')).toEqual(seal)
    expect(await buffers.seal('v', 'a')).toBeUndefined()
  })
}
