import { beforeAll, describe, expect, it } from 'vitest'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { rebuildJournal } from '#lib/domain/ops/raw/rebuild-journal.ts'
import { allEntries } from '#lib/domain/ops/record-objects.ts'
import { type MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { cellWithHistory, journalText, rebuildOf } from '#test/support/raw-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

let contract: Contract
beforeAll(async () => {
  contract = await tripsContract()
})

async function uris(objects: ObjectStore, prefix: string): Promise<readonly string[]> {
  const found: string[] = []
  for await (const { uri } of objects.list(prefix)) found.push(uri)
  return found
}

/** The cell's objects, with a note of what is put. */
function watched(cell: MemoryCell) {
  const puts: string[] = []
  const objects: ObjectStore = {
    get: (uri) => cell.objects.get(uri),
    list: (prefix) => cell.objects.list(prefix),
    putIfAbsent: (uri, body, options) => cell.objects.putIfAbsent(uri, body, options),
    put: async (uri, body, options) => {
      puts.push(uri)
      await cell.objects.put(uri, body, options)
    },
  }
  return { objects, puts }
}

describe('a journal that is lost', () => {
  it.each([1, 2, 3, 4, 5, 6])(
    'is made again from raw, byte for byte, without a write beside it (seed %i)',
    async (seed) => {
      const cell = await cellWithHistory(contract, seed)
      const { objects, puts } = watched(cell)
      const journal = new MemoryJournal()

      const rebuilt = await rebuildJournal({ ...rebuildOf(cell, journal), objects })

      expect(await journalText(journal)).toEqual(await journalText(cell.journal))
      expect(rebuilt.shards.map(({ shard, rebuilt: entries, by }) => [shard, entries, by])).toEqual(
        [
          ['A', 8, { same: 8, adopted: 0, written: 0 }],
          ['B', 5, { same: 5, adopted: 0, written: 0 }],
          ['C', 7, { same: 7, adopted: 0, written: 0 }],
        ],
      )
      expect(puts).toEqual([])
    },
  )

  it('is judged anew to the same entries and files where the verdicts are lost too', async () => {
    const cell = await cellWithHistory(contract)
    const before = new Map<string, Uint8Array>()
    for (const uri of await uris(cell.objects, 's3://bucket/')) {
      before.set(uri, await cell.objects.get(uri))
    }
    await cell.objects.remove(await uris(cell.objects, 's3://bucket/batches/'))
    await cell.objects.remove(await uris(cell.objects, 's3://bucket/table/'))
    await cell.objects.remove(await uris(cell.objects, 's3://bucket/quarantine/'))
    const journal = new MemoryJournal()

    const { shards } = await rebuildJournal(rebuildOf(cell, journal))

    expect(await journalText(journal)).toEqual(await journalText(cell.journal))
    expect(shards[0]?.by.written).toBeGreaterThan(0)
    expect(await uris(cell.objects, 's3://bucket/')).toEqual([...before.keys()].sort())
    for (const [uri, bytes] of before) expect(await cell.objects.get(uri)).toEqual(bytes)
  })

  it('takes verdicts that other code has written, as they are', async () => {
    const cell = await cellWithHistory(contract)
    const [entry] = await allEntries(cell.journal, 'A')
    const other = `${entry!.verdictsUri!.slice(0, -'.json.zst'.length - 32)}${'0'.repeat(32)}.json.zst`
    await cell.objects.put(other, await cell.objects.get(entry!.verdictsUri!))
    await cell.objects.remove([entry!.verdictsUri!])
    const journal = new MemoryJournal()

    const { shards } = await rebuildJournal(rebuildOf(cell, journal))

    const [rebuilt] = await allEntries(journal, 'A')
    expect(rebuilt).toEqual({ ...entry, verdictsUri: other })
    expect(shards[0]?.by).toEqual({ same: 7, adopted: 1, written: 0 })
  })

  it('keeps what is there, and goes on where an earlier rebuild was broken off', async () => {
    const cell = await cellWithHistory(contract)
    const journal = new MemoryJournal()
    let appended = 0
    const dying = new Proxy(journal, {
      get(target, name, receiver) {
        if (name !== 'append') return Reflect.get(target, name, receiver).bind(target)
        return async (entry: Parameters<MemoryJournal['append']>[0]) => {
          if (++appended > 10) throw new Error('killed')
          return target.append(entry)
        }
      },
    })

    await expect(rebuildJournal(rebuildOf(cell, dying))).rejects.toThrow('killed')
    const rebuilt = await rebuildJournal(rebuildOf(cell, journal))

    expect([rebuilt.kept, rebuilt.rebuilt]).toEqual([10, 10])
    expect(await journalText(journal)).toEqual(await journalText(cell.journal))
  })

  it('is looked at without a write in a dry run, with the same findings', async () => {
    const cell = await cellWithHistory(contract)
    await cell.objects.remove(await uris(cell.objects, 's3://bucket/batches/'))
    const { objects, puts } = watched(cell)
    const journal = new MemoryJournal()

    const dry = await rebuildJournal({ ...rebuildOf(cell, journal), objects }, { dryRun: true })

    expect(puts).toEqual([])
    expect(await journalText(journal)).toEqual([])
    const real = await rebuildJournal(rebuildOf(cell, journal))
    expect({ ...dry, dryRun: false }).toEqual(real)
  })

  it('lets the archive and the table go on as if nothing had been', async () => {
    const cell = await cellWithHistory(contract)
    await cell.commit()
    const twin = await cellWithHistory(contract)
    await twin.commit()
    const journal = new MemoryJournal()
    await rebuildJournal(rebuildOf(cell, journal))
    Object.assign(cell, { journal })

    for (const one of [cell, twin]) {
      one.shards.tips.set('B', record(501, '').sequence)
      await one
        .archive()
        .take('B', [record(500, tripText({ id: 'e1' })), record(501, tripText({ id: 'new' }))])
      await one.commit()
    }

    expect(await cell.outcome()).toEqual(await twin.outcome())
    expect(await journalText(cell.journal)).toEqual(await journalText(twin.journal))
  })
})

describe('a rebuild refuses, before it writes anything', () => {
  it('raw with a gap, naming it', async () => {
    const cell = await cellWithHistory(contract)
    const entries = await allEntries(cell.journal, 'A')
    await cell.objects.remove([entries[3]!.rawUri])
    const journal = new MemoryJournal()

    await expect(rebuildJournal(rebuildOf(cell, journal))).rejects.toThrow(
      `raw of shard A is not whole after ${entries[2]!.last} up to ${entries[3]!.last}: no raw object follows ${entries[2]!.last}`,
    )
    expect(await journalText(journal)).toEqual([])
  })

  it('raw whose beginning has expired, unless the journal goes back to there', async () => {
    const cell = await cellWithHistory(contract)
    const entries = await allEntries(cell.journal, 'A')
    await cell.objects.remove([entries[0]!.rawUri, entries[1]!.rawUri])
    const later = { nowMs: Date.UTC(2028, 5, 1) }
    const journal = new MemoryJournal()

    await expect(rebuildJournal({ ...rebuildOf(cell, journal), ...later })).rejects.toThrow(
      /what shard A held before .* has expired, and the journal has no entry there/,
    )
    await journal.append(entries[0]!)
    await journal.append(entries[1]!)
    await rebuildJournal({ ...rebuildOf(cell, journal), ...later })

    expect(await allEntries(journal, 'A')).toEqual(entries)
  })

  it('another identity key: what it would admit is not what was admitted', async () => {
    const cell = await cellWithHistory(contract)
    const { keyedIdentity } = await import('#lib/domain/ingest/identity.ts')
    const identify = keyedIdentity(new Uint8Array(32).fill(1))

    await expect(rebuildJournal({ ...rebuildOf(cell), identify })).rejects.toThrow(
      /gives 0 admitted events, and the archive admitted \d+/,
    )
  })
})
