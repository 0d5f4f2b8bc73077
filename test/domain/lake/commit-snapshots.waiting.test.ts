import { beforeEach, describe, expect, it } from 'vitest'
import { makeHandler } from '#functions/lake/commit-snapshots/handler.ts'
import { majorOf } from '#lib/domain/contract/version.ts'
import { HOLD_PROPERTY, readFences } from '#lib/domain/lake/fences.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { waitingShards } from '#lib/domain/ops/waiting-shards.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const NAME = { database: 'weir', name: 'trips' }
let cell: MemoryCell
/** The entries of the shard that will have to wait. */
let entries: Awaited<ReturnType<typeof archived>>
let intact: Uint8Array

const archived = (shard: string, n: number) =>
  cell.archive().take(shard, [record(n, tripText({ id: `${shard}${n}` }))])
const lake = () => ({ ...cell, ids: { snapshotId: () => 7n, uuid: () => 'uuid' } })
const tableNow = async () => (await loadTable(lake(), NAME))!
const waitingNow = async () => {
  const major = majorOf(cell.contract.version)
  return waitingShards(cell, [{ major, name: NAME.name, table: await tableNow() }])
}

beforeEach(async () => {
  cell = new MemoryCell(await tripsContract())
  entries = []
  for (const n of [1, 2, 3]) entries = [...entries, ...(await archived('s', n))]
  for (const n of [4, 5]) await archived('t', n)
  intact = await cell.objects.get(entries[1]!.verdictsUri!)
})

describe('a shard whose next verdicts object cannot be read', () => {
  const break_ = () => cell.objects.put(entries[1]!.verdictsUri!, Uint8Array.of(1, 2, 3))

  it('waits there, while what came before it and all other shards are committed', async () => {
    await break_()

    const report = await cell.commit()

    expect(report).toMatchObject({ commits: 1, entries: 3, rows: 3, gaps: [] })
    expect(report.unreadable).toEqual([
      {
        shard: 's',
        fence: entries[0]!.last,
        uri: entries[1]!.verdictsUri,
        reason: `verdicts ${entries[1]!.verdictsUri} cannot be read`,
      },
    ])
    expect((await cell.outcome()).curated).toEqual(['s1', 't4', 't5'])
    expect((await readFences(await tableNow())).s).toBe(entries[0]!.last)
  })

  it('goes on once the object is back, and nothing is lost or doubled', async () => {
    await break_()
    await cell.commit()
    await archived('t', 6)
    expect((await cell.commit()).unreadable).toHaveLength(1)
    await cell.objects.put(entries[1]!.verdictsUri!, intact)

    expect((await cell.commit()).unreadable).toEqual([])
    expect((await cell.outcome()).curated).toEqual(['s1', 's2', 's3', 't4', 't5', 't6'])
  })

  it('raises the alarm after the others were committed, and says in the log who waits', async () => {
    await break_()
    const logged: unknown[] = []
    const { journal, contracts, layout } = cell
    const handler = makeHandler({
      lake: lake(),
      journal,
      contracts,
      layout,
      database: NAME.database,
      log: { info: () => {}, error: (message, facts) => logged.push({ message, ...facts }) },
    })

    await expect(handler({})).rejects.toMatchObject({
      code: 'verdicts.unreadable',
      message: expect.stringContaining(`shard s waits after ${entries[0]!.last}`),
    })
    expect(logged).toMatchObject([{ message: 'shard waits', shard: 's' }])
    expect((await cell.outcome()).curated).toEqual(['s1', 't4', 't5'])
  })

  it('is named with its reason to whoever asks how the product stands', async () => {
    await cell.commit()
    expect(await waitingNow()).toEqual([])
    entries = await archived('s', 7)
    await cell.objects.put(entries[0]!.verdictsUri!, Uint8Array.of(1))

    expect(await waitingNow()).toEqual([
      {
        table: 'trips',
        shard: 's',
        reason: `verdicts ${entries[0]!.verdictsUri} cannot be read`,
      },
    ])
  })
})

describe('a table that is on hold', () => {
  it('is named with the reason of the hold', async () => {
    await cell.commit()
    const table = await tableNow()
    const held = { ...table, properties: { ...table.properties, [HOLD_PROPERTY]: 'to look' } }
    const major = majorOf(cell.contract.version)

    expect(await waitingShards(cell, [{ major, name: 'trips', table: held }])).toEqual([
      { table: 'trips', reason: 'table weir.trips is on hold: to look' },
    ])
  })
})

it('a commit that leaves nothing behind loads the table once', async () => {
  let loads = 0
  const load = cell.catalog.load.bind(cell.catalog)
  await cell.commit()
  await archived('s', 8)
  cell.catalog.load = async (name) => {
    loads += 1
    return load(name)
  }

  expect(await cell.commit()).toMatchObject({ commits: 1, entries: 1 })
  expect(loads).toBe(1)
})
