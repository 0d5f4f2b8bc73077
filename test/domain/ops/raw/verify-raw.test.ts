import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from 'vitest'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { verifyRaw } from '#lib/domain/ops/raw/verify-raw.ts'
import { allEntries } from '#lib/domain/ops/record-objects.ts'
import { type MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { cellWithHistory, rebuildOf } from '#test/support/raw-cell.ts'

let contract: Contract
let cell: MemoryCell
let entries: readonly JournalEntry[]
beforeAll(async () => {
  contract = await tripsContract()
})

async function verified(
  change: (cell: MemoryCell) => Promise<void> = async () => {},
  { journal = true, nowMs = Date.UTC(2026, 0, 2) } = {},
) {
  cell = await cellWithHistory(contract)
  entries = await allEntries(cell.journal, 'A')
  await change(cell)
  return verifyRaw({
    ...rebuildOf(cell, journal ? cell.journal : new MemoryJournal()),
    nowMs,
  })
}

/** Raw as it is, with its text changed. */
async function edit(uri: string, change: (lines: string[]) => readonly string[]): Promise<void> {
  const lines = zstdDecompressSync(await cell.objects.get(uri))
    .toString()
    .trimEnd()
    .split('\n')
  await cell.objects.put(uri, zstdCompressSync(`${change(lines).join('\n')}\n`))
}

describe('raw that is whole', () => {
  it.each([true, false])('is proven so, with the journal or without (%s)', async (journal) => {
    const found = await verified(undefined, { journal })

    const received = (await Promise.all(['A', 'B', 'C'].map((id) => allEntries(cell.journal, id))))
      .flat()
      .reduce((sum, { counts }) => sum + counts.received, 0)
    expect(found).toMatchObject({ complete: true, objects: 20, events: received })
    expect(found.firstGap).toBeUndefined()
    expect(found.shards.map(({ shard, after, upTo }) => [shard, after, upTo])).toEqual([
      ['A', 'start', entries.at(-1)!.last],
      ['B', 'start', (await cell.journal.head('B'))!.last],
      ['C', 'start', (await cell.journal.head('C'))!.last],
    ])
    expect(found.shards.map((one) => one.withoutEntry)).toEqual(journal ? [0, 0, 0] : [8, 5, 7])
  })

  it('may have lost its beginning to retention', async () => {
    const remove = async () => cell.objects.remove([entries[0]!.rawUri])

    const early = await verified(remove)
    const due = await verified(remove, { nowMs: Date.UTC(2028, 5, 1) })

    expect(early.firstGap).toMatchObject({ shard: 'A', after: 'start', before: entries[0]!.last })
    expect(due.complete).toBe(true)
  })

  it('is looked at from one date to another', async () => {
    await verified()
    const dates = [...new Set(entries.map(({ rawUri }) => /date=([^/]+)/.exec(rawUri)![1]!))]
    const found = await verifyRaw(rebuildOf(cell, cell.journal), { from: dates.at(-1)! })
    const none = await verifyRaw(rebuildOf(cell, cell.journal), { to: '2025-12-31' })

    expect(dates.length).toBe(2)
    expect(found).toMatchObject({ complete: true })
    expect(found.shards[0]!.objects).toBe(
      entries.filter(({ rawUri }) => rawUri.includes(`date=${dates.at(-1)}`)).length,
    )
    expect(none).toMatchObject({ complete: true, objects: 0 })
  })
})

describe('the first gap is named', () => {
  it('where an object is missing, with the range that nobody has', async () => {
    const { firstGap, complete } = await verified(async () =>
      cell.objects.remove([entries[2]!.rawUri, entries[3]!.rawUri, entries[6]!.rawUri]),
    )

    expect(complete).toBe(false)
    expect(firstGap).toMatchObject({
      shard: 'A',
      after: entries[1]!.last,
      before: entries[3]!.last,
    })
  })

  it('where the journal reaches further than raw, which raw alone cannot tell', async () => {
    const remove = async () => cell.objects.remove([entries.at(-1)!.rawUri])

    const alone = await verified(remove, { journal: false })
    const { firstGap } = await verified(remove)

    expect(alone.complete).toBe(true)
    expect(firstGap).toMatchObject({
      after: entries.at(-2)!.last,
      before: entries.at(-1)!.last,
      reason: `the journal names ${entries.at(-1)!.rawUri}, which is not there`,
    })
  })

  it('where an object was cut, swapped, overwritten or cannot be read', async () => {
    const cases: readonly [(uri: string) => Promise<void>, RegExp][] = [
      [(uri) => edit(uri, (lines) => lines.slice(0, -1)), /number of events|no raw object follows/],
      [(uri) => edit(uri, (lines) => lines.toReversed()), /out of its order/],
      [
        (uri) => edit(uri, (lines) => lines.map((line) => line.replace('"A"', '"B"'))),
        /holds events of shard B/,
      ],
      [async (uri) => cell.objects.put(uri, Buffer.from('no zstd')), /cannot be read/],
    ]
    for (const [change, reason] of cases) {
      await verified()
      const long = entries.slice(1, -1).find(({ first, last }) => first !== last)!
      const { firstGap } = await verified(async () => change(long.rawUri))

      expect(firstGap?.reason).toMatch(reason)
      expect(firstGap?.shard).toBe('A')
    }
  })

  it('where two objects follow one position', async () => {
    const twin = () => entries[1]!.rawUri.replace(/date=[^/]+/, 'date=2026-01-09')
    const { firstGap } = await verified(async () =>
      cell.objects.put(twin(), await cell.objects.get(entries[1]!.rawUri)),
    )

    expect(firstGap).toMatchObject({ shard: 'A', after: entries[0]!.last })
    expect(firstGap?.reason).toMatch(/both follow/)
  })
})
