import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import { allEntries } from '#lib/domain/ops/record-objects.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { MemoryCell } from './memory-cell.ts'
import { record, tripText } from './trip-events.ts'

/** Shard A, split into B and C while events were resent: archived in batches of any size, with rejects among them. */
export async function cellWithHistory(contract: Contract, seed = 1): Promise<MemoryCell> {
  const cell = new MemoryCell(contract)
  const random = seededRandom(seed, 1)
  const { shards } = cell
  let sequence = 0
  const body = () => {
    const kind = random()
    if (kind < 0.05) return Uint8Array.of(0xff, 0xfe)
    if (kind < 0.1) return tripText({ id: `r${sequence}`, fare: '-1.00' })
    const id = () => `e${Math.floor(random() * 60)}`
    const dropoff = `2019-01-0${1 + Math.floor(random() * 3)} 10:00:00`
    return random() < 0.3
      ? `[${tripText({ id: id(), dropoff })},${tripText({ id: id() })}]`
      : tripText({ id: id(), dropoff })
  }
  const take = async (shard: string, batches: number) => {
    let archive = cell.archive()
    for (let i = 0; i < batches; i++) {
      const size = 1 + Math.floor(random() * 6)
      const records = Array.from({ length: size }, () => record(++sequence, body()))
      shards.tips.set(shard, records.at(-1)!.sequence)
      await archive.take(shard, records)
      if (random() < 0.2) archive = cell.archive()
    }
  }
  shards.listed.set('A', [])
  shards.open.add('A')
  await take('A', 8)
  shards.open.delete('A')
  for (const child of ['B', 'C']) {
    shards.listed.set(child, ['A'])
    shards.open.add(child)
  }
  await take('C', 5)
  await take('B', 5)
  await take('C', 2)
  return cell
}

/** What a rebuild of the cell's journal works on, into another journal. */
export function rebuildOf(cell: MemoryCell, journal: Journal = new MemoryJournal()) {
  const { contracts, layout, objects } = cell
  return {
    contracts,
    layout,
    objects,
    journal,
    lineage: cell.shards,
    identify: keyedIdentity(new Uint8Array(32)),
    retention: { rawDays: 730, quarantineDays: 90 },
    nowMs: Date.UTC(2026, 0, 2),
  }
}

/** All that a journal holds, as text. */
export async function journalText(journal: Journal): Promise<readonly string[]> {
  const shards = await journal.shards()
  const entries = await Promise.all(shards.map(({ shard }) => allEntries(journal, shard)))
  return [...shards, ...entries.flat()].map((one) => JSON.stringify(one))
}
