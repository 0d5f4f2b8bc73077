import { describe, expect, it } from 'vitest'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import { eventContract, type TestEvent } from '#test/support/event-product.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { GenerationCell } from '#test/support/generation-cell.ts'

const SECOND = 1_000_000
const BASE = Date.UTC(2025, 11, 31) * 1000

const WINDOWS: Readonly<Record<string, WindowDefinition>> = {
  tumbling: { kind: 'tumbling', sizeSeconds: 10, offsetSeconds: 3 },
  sliding: { kind: 'sliding', sizeSeconds: 15, slideSeconds: 6 },
  session: { kind: 'session', gapSeconds: 4 },
  running: { kind: 'running' },
}

function viewOf(window: WindowDefinition, name = 'amounts'): ViewDefinition {
  return {
    name,
    description: '',
    key: 'key',
    window,
    aggregates: [
      { name: 'events', function: 'count' },
      { name: 'total', function: 'sum', field: 'amount' },
    ],
    freshnessSeconds: 60,
  }
}

/** A stream with disorder, late events and idle shards, of which the functions have seen parts at a time. */
async function randomCell(
  seed: number,
  views: readonly ViewDefinition[],
  options: { readonly lateness?: boolean; readonly sends?: number } = {},
) {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random() * n)
  const contract = eventContract({
    ...(options.lateness === false ? {} : { allowedLatenessSeconds: [0, 5, 20][below(3)]! }),
    outOfOrdernessSeconds: [0, 3, 10][below(3)]!,
    partitioning: [],
  })
  const cell = new GenerationCell(contract, views, ['s0', 's1', 's2'].slice(0, 1 + below(3)))
  const shards = [...(await cell.parents()).keys()]
  let now = BASE
  let sent = 0
  const send = async () => {
    const events = Array.from({ length: 1 + below(4) }, (): TestEvent => {
      const behind = below(10) === 0 ? below(60) : below(6)
      const time = now - behind * SECOND + below(1_000) * 1000
      return { id: `e${sent++}`, key: `k${below(3)}`, time, amount: below(500) }
    })
    await cell.send(shards[below(shards.length)]!, now, events)
    now += below(5) * SECOND
  }
  const run = async (sends: number) => {
    for (let i = 0; i < sends; i++) {
      await send()
      if (below(4) === 0) await cell.live()
    }
  }
  await run(options.sends ?? 30)
  await cell.live()
  return { cell, run, below }
}

/** Everything of the first generation, to see that nothing touches it. */
function firstOf({ cell }: GenerationCell) {
  return cell.slots.all().filter(({ view }) => !view.startsWith('v2.'))
}

async function uris(cell: GenerationCell, prefix: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { uri } of cell.cell.objects.list(prefix)) found.push(uri)
  return found
}

describe('a replay', () => {
  it.each(Object.entries(WINDOWS))(
    'comes to what the stream came to, and goes on with it: %s',
    async (_name, window) => {
      let rows = 0
      for (let seed = 1; seed <= 4; seed++) {
        const { cell, run } = await randomCell(seed, [viewOf(window)])
        const before = firstOf(cell)

        const report = await cell.replay({ into: 'v2' })

        expect(firstOf(cell), `seed ${seed}: the first generation is as it was`).toEqual(before)
        expect(report.events).toBeGreaterThan(30)
        const compared = await cell.compare('v2')
        expect(compared, `seed ${seed}`).toMatchObject({ equal: true, differences: [] })
        expect(compared.views[0]!.slots.equal).toBe(before.length)
        rows += compared.views[0]!.finalRows?.equal ?? 0

        await run(10)
        await cell.live()
        const grown = await cell.compare('v2')
        expect(grown, `seed ${seed}, later`).toMatchObject({ equal: true, differences: [] })
        expect(grown.views[0]!.slots.moving).toBe(0)
        const second = cell.cell.slots.all().filter(({ view }) => view.startsWith('v2.'))
        expect(second).toHaveLength(firstOf(cell).length)
      }
      if (window.kind !== 'running') expect(rows).toBeGreaterThan(20)
    },
    60_000,
  )

  it('of views that are never final is compared by its slots alone', async () => {
    const { cell } = await randomCell(3, [viewOf(WINDOWS.tumbling!)], { lateness: false })

    await cell.replay({ into: 'v2' })

    const compared = await cell.compare('v2')
    expect(compared).toMatchObject({ equal: true, views: [{ finalRows: null }] })
  })

  it('keeps late rows of its own apart', async () => {
    const { cell } = await randomCell(1, [viewOf(WINDOWS.tumbling!)])
    const before = await uris(cell, 's3://bucket/late/')

    await cell.replay({ into: 'v2' })

    expect(before.length).toBeGreaterThan(0)
    expect(await uris(cell, 's3://bucket/late/')).toEqual(before)
    expect(await uris(cell, 's3://bucket/generations/v2/late/')).toHaveLength(before.length)
  })

  it('that is done changes nothing when it is run again', async () => {
    const { cell } = await randomCell(2, [viewOf(WINDOWS.sliding!)])
    await cell.replay({ into: 'v2' })
    const slots = cell.cell.slots.all()
    const stored = await cell.cell.generations.load()

    expect(await cell.replay({ into: 'v2' })).toMatchObject({ events: 0, slotsWritten: 0 })

    expect(cell.cell.slots.all()).toEqual(slots)
    expect(await cell.cell.generations.load()).toEqual(stored)
  })

  it('counts each event once, whatever the number of views, and tells how far it is', async () => {
    const views = [viewOf(WINDOWS.tumbling!), viewOf(WINDOWS.running!, 'ever')]
    const { cell } = await randomCell(4, views)
    const seen: [number, number][] = []

    const { events } = await cell.replay({
      into: 'v2',
      onProgress: (done, total) => seen.push([done, total]),
    })

    let admitted = 0
    for (const { shard } of await cell.cell.journal.shards()) {
      const entries = await cell.cell.journal.entriesAfter(shard, 'start', 10_000)
      admitted += entries.reduce((sum, entry) => sum + entry.counts.admitted, 0)
    }
    expect(events).toBe(admitted)
    expect(seen.at(-1)).toEqual([events, events])
  })

  describe.each<Fault>(['dies before', 'dies after', 'answer lost', 'refused'])(
    'that meets "%s"',
    (fault) => {
      it.each(fault === 'dies after' ? ['tumbling', 'session'] : ['tumbling'])(
        'at any effect goes on to the same: %s',
        async (kind) => {
          let effects = 0
          for (let at = 1; ; at++) {
            const { cell } = await randomCell(6, [viewOf(WINDOWS[kind]!)], { sends: 8 })
            const before = firstOf(cell)
            const process = new FaultyProcess(at, fault)
            await cell.replay({ into: 'v2' }, process).catch(() => undefined)
            if (!process.met) break

            await cell.replay({ into: 'v2' })
            await cell.live()

            const where = `${fault} at ${process.log[at - 1]}`
            expect(firstOf(cell), where).toEqual(before)
            expect(await cell.compare('v2'), where).toMatchObject({ equal: true })
            expect((await cell.cell.generations.load())!.generations.byName.v2!.state).toBe(
              'following',
            )
            effects = at
          }
          expect(effects).toBeGreaterThan(15)
        },
        60_000,
      )
    },
  )

  it('comes to the same where the files of batches are gone, from raw', async () => {
    const { cell } = await randomCell(5, [viewOf(WINDOWS.tumbling!)])
    const late = BASE + 500 * SECOND
    const once: TestEvent = { id: 'once', key: 'k0', time: late, amount: 1 }
    await cell.send('s0', late, [once])
    // Two resends: one beside an event that is new, one in a batch of its own.
    await cell.send('s0', late, [{ ...once, id: 'new' }, once])
    await cell.send('s0', late, [once])
    await cell.live()
    const files = await uris(cell, 's3://bucket/table/')
    await cell.cell.objects.remove(files)

    await cell.replay({ into: 'v2' })

    expect(files.length).toBeGreaterThan(20)
    expect(await cell.compare('v2')).toMatchObject({ equal: true, differences: [] })
  })

  it('says from when on it could be done where raw has expired, too', async () => {
    const { cell } = await randomCell(5, [viewOf(WINDOWS.tumbling!)], { sends: 5 })
    await cell.cell.objects.remove(await uris(cell, 's3://bucket/table/'))
    await cell.cell.objects.remove(await uris(cell, 's3://bucket/raw/'))

    await expect(cell.replay({ into: 'v2' })).rejects.toMatchObject({
      code: 'raw.expired',
      message: expect.stringMatching(/up to 202\d-.* replay from after that time$/),
    })
  })

  it('of which two run at once is one replay', async () => {
    const { cell } = await randomCell(7, [viewOf(WINDOWS.tumbling!)])

    await Promise.all([cell.replay({ into: 'v2' }), cell.replay({ into: 'v2' })])

    expect(await cell.compare('v2')).toMatchObject({ equal: true })
  })

  it('of a range holds whole windows that start in it, equal to those of the stream', async () => {
    for (const kind of ['tumbling', 'sliding', 'session']) {
      const { cell } = await randomCell(8, [viewOf(WINDOWS[kind]!)], { sends: 60 })
      const from = BASE + 40 * SECOND + 500_000
      const to = BASE + 90 * SECOND

      await cell.replay({ into: 'v2', from, to })

      const starts = cell.cell.slots.all().filter(({ view }) => view.startsWith('v2.'))
      expect(Math.min(...starts.map((slot) => slot.paneStart))).toBeGreaterThanOrEqual(from)
      const compared = await cell.compare('v2')
      expect(compared, kind).toMatchObject({ equal: true, differences: [] })
      expect(compared.views[0]!.slots.equal).toBeGreaterThan(5)
      expect(compared.views[0]!.finalRows!.equal).toBeGreaterThan(5)
      expect(compared.views[0]!.slots.equal).toBeLessThan(firstOf(cell).length)
    }
  })

  it('answers no window of which a part lies before its start', async () => {
    const window: WindowDefinition = { kind: 'sliding', sizeSeconds: 20, slideSeconds: 10 }
    const cell = new GenerationCell(eventContract(), [viewOf(window)], ['s0'])
    const at = (seconds: number) => BASE + seconds * SECOND
    await cell.send('s0', at(60), [
      { id: 'a', key: 'x', time: at(5), amount: 100 },
      { id: 'b', key: 'x', time: at(15), amount: 200 },
      { id: 'c', key: 'x', time: at(35), amount: 400 },
    ])
    await cell.live()
    await cell.replay({ into: 'v2', from: at(10), to: at(60) })
    await cell.live()
    const total = async (seconds: number) =>
      String((await cell.features('amounts', 'x', at(seconds))).values.total)

    expect([await total(19), await total(39)]).toEqual(['3.00', '4.00'])
    await cell.switch('v2')

    expect([await total(19), await total(39)]).toEqual(['null', '4.00'])
  })
})

describe('a replay is refused', () => {
  const refused = async (cell: GenerationCell, request: Parameters<GenerationCell['replay']>[0]) =>
    cell.replay(request).then(
      () => 'accepted',
      (error: Error & { code: string }) => `${error.code}: ${error.message}`,
    )

  it('for wrong names and times', async () => {
    const { cell } = await randomCell(1, [viewOf(WINDOWS.tumbling!)], { sends: 3 })
    const now = cell.cell.clock.nowMs() * 1000

    expect(await refused(cell, { into: 'v1' })).toMatch(/^replay\.name: v1 is what the stream/)
    expect(await refused(cell, { into: 'V 2' })).toMatch(/^replay\.name: "V 2" is no name/)
    expect(await refused(cell, { into: 'v2', from: 5, to: 5 })).toMatch(/^replay\.range: .* ends/)
    expect(await refused(cell, { into: 'v2', from: now + 1e9 })).toMatch(/^replay\.range: .* ends/)
    expect(await refused(cell, { into: 'v2', to: now + 1e9 })).toMatch(/^replay\.range: .* future/)
    expect(await cell.cell.generations.load()).toBeUndefined()
  })

  it('with a start for a running total', async () => {
    const { cell } = await randomCell(1, [viewOf(WINDOWS.running!)], { sends: 3 })

    expect(await refused(cell, { into: 'v2', from: BASE })).toMatch(
      /replay\.range: .*running total/,
    )
  })

  it('into a generation of another range or definition, and says how to go on', async () => {
    const { cell } = await randomCell(1, [viewOf(WINDOWS.tumbling!)], { sends: 3 })
    await cell.replay({ into: 'v2', from: BASE, to: BASE + SECOND })

    expect(await refused(cell, { into: 'v2', from: BASE + 1 })).toMatch(
      /^replay\.otherRange: .*2025-12-31T00:00:00.000Z to 2025-12-31T00:00:01.000Z/,
    )
    expect(await refused(cell, { into: 'v2' })).toBe('accepted')
    cell.views = [viewOf(WINDOWS.sliding!)]
    expect(await refused(cell, { into: 'v2' })).toMatch(
      /^replay\.otherDefinition: .*view "amounts"/,
    )
  })

  it('under a name that was dropped', async () => {
    const { cell } = await randomCell(1, [viewOf(WINDOWS.tumbling!)], { sends: 3 })
    await cell.replay({ into: 'v2' })
    await cell.drop('v2')

    expect(await refused(cell, { into: 'v2' })).toMatch(/^replay\.dropped: .*take another one/)
  })
})
