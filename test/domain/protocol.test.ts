import { beforeEach, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import { commit } from '#lib/domain/lake/commit.ts'
import { commitSnapshots } from '#lib/domain/lake/commit-snapshots.ts'
import { HOLD_PROPERTY } from '#lib/domain/lake/fences.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { encodeTableMetadata, type TableMetadata } from '#lib/domain/lake/table-metadata.ts'
import { FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { PausedProcess } from '#test/support/paused-process.ts'
import { rangeOf } from '#test/support/reference/raw-object.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const NAME = { database: 'weir', name: 'trips' }
let contract: Contract
/** The same version as other code reads it: it rejects fares above 20. */
let strict: Contract
let cell: MemoryCell
beforeEach(async () => {
  contract = await tripsContract()
  const cheap = {
    name: 'cheap',
    left: 'fare_amount',
    operator: '<=',
    right: { literal: '20.00' },
  } as const
  strict = { ...contract, rowRules: [...contract.rowRules, cheap] }
  cell = new MemoryCell(contract)
})

const trip = (n: number, id: string, fare = '10.50') => record(n, tripText({ id, fare }))
const at = (n: number, minute: number, text: string) => ({
  ...record(n, text),
  arrivalMicros: Date.UTC(2026, 0, 5) * 1000 + minute * 60_000_000,
})
const many = (from: number, count: number) =>
  `[${Array.from({ length: count }, (_, i) => tripText({ id: `e${from + i}` })).join()}]`
const entries = (shard = 's') => cell.journal.entriesAfter(shard, 'start', 1000)
/** Another code on the same stores. */
const withCode = (code: Contract) =>
  Object.assign(new MemoryCell(code), { objects: cell.objects, journal: cell.journal })
const take = (
  one: MemoryCell,
  process: FaultyProcess | undefined,
  records: Parameters<ReturnType<MemoryCell['archive']>['take']>[1],
) => one.archive(process).take('s', records)
function lake() {
  let n = 900n
  return {
    objects: cell.objects,
    catalog: cell.catalog,
    clock: cell.clock,
    ids: { snapshotId: () => ++n, uuid: () => `other-${++n}` },
  }
}
/** Someone else moves the table. */
async function change(to: (metadata: TableMetadata) => TableMetadata) {
  const [table, { version: expectedVersion }] = [
    (await loadTable(lake(), NAME))!,
    (await cell.catalog.load(NAME))!,
  ]
  const metadataLocation = `s3://bucket/table/trips/metadata/${expectedVersion}-foreign.metadata.json`
  await cell.objects.put(metadataLocation, encodeTableMetadata(to(table.metadata)))
  await cell.catalog.swap(NAME, { expectedVersion, metadataLocation })
}
/** Raw and entries belong together one to one, in one chain, over all records. */
async function expectWhole(records: number) {
  const raw = new Map<string, object>()
  for await (const { uri } of cell.objects.list('s3://bucket/raw/')) {
    const batch = decodeRawBatch(uri, await cell.objects.get(uri))
    raw.set(uri, { ...rangeOf(batch), events: batch.events.length })
  }
  let [prev, received] = ['start', 0]
  for (const { rawUri, first, last, counts, ...entry } of await entries()) {
    expect(entry.prev).toBe(prev)
    expect(raw.get(rawUri)).toEqual({ first, last, events: counts.received })
    prev = last
    received += counts.received
  }
  expect([raw.size, received]).toEqual([(await entries()).length, records])
}

describe('a zombie that goes on after another attempt', () => {
  it.each(['putIfAbsent .*raw', 'put .*data', 'put .*batches', 'append'])(
    'from "%s" on changes nothing',
    async (where) => {
      const records = ['a', 'b', 'c', 'd', 'e', 'f'].map((id, i) => trip(i + 1, id))
      const zombie = new PausedProcess(new RegExp(where))
      const running = take(cell, zombie, records)
      await zombie.reached
      await take(cell, undefined, records.slice(0, 2))
      await take(cell, undefined, records.slice(0, 4))
      const decided = await entries()
      zombie.letGo()
      await running
      await cell.commit()

      await expectWhole(6)
      expect((await entries()).slice(0, decided.length)).toEqual(decided)
      expect((await cell.outcome()).curated).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    },
  )

  it('of other code leaves the files of the table as the table knows them', async () => {
    const batch = [record(1, `[${tripText({ id: 'x', fare: '25.00' })},${tripText({ id: 'y' })}]`)]
    const zombie = new PausedProcess(/put .*data/)
    const running = take(withCode(strict), zombie, batch)
    await zombie.reached
    await take(cell, undefined, batch)
    await cell.commit()
    zombie.letGo()
    await running

    for (const file of await (await loadTable(lake(), NAME))!.liveFiles()) {
      expect((await cell.objects.get(file.path)).length).toBe(file.sizeBytes)
    }
  })

  it.each([
    ['admitted what it rejects', false, { admitted: 0, duplicate: 1 }],
    ['rejected what it admits', true, { admitted: 1, duplicate: 0 }],
  ])(
    'goes on with the verdicts and bounds of an entry that %s',
    async (_, isStrictRival, expected) => {
      const [own, theirs] = isStrictRival ? [contract, strict] : [strict, contract]
      const first = record(1, tripText({ id: 'x', fare: '25.00', dropoff: '2019-02-01 10:00:00' }))
      const [zombie, rival] = [new PausedProcess(/putIfAbsent .*raw/), new PausedProcess(/append/)]
      const running = take(withCode(own), zombie, [first, trip(2, 'x')])
      await zombie.reached
      const other = take(withCode(theirs), rival, [first])
      await rival.reached
      const append = cell.journal.append.bind(cell.journal)
      cell.journal.append = async (entry) => {
        cell.journal.append = append
        rival.letGo()
        await other // the rival's entry comes first, after the zombie has judged
        return append(entry)
      }
      zombie.letGo()
      await running
      const [one, two] = await entries()

      expect(two!.counts).toMatchObject(expected)
      expect(two!.maxEventTimeBefore).toBe(one!.maxEventTimeAfter)
    },
  )
})

describe('the key of a raw object', () => {
  const dates = async () => (await entries()).map((entry) => /date=([\d-]+)/.exec(entry.rawUri)![1])

  it('has the date at which its predecessor arrived', async () => {
    await take(cell, undefined, [trip(8, 'a'), trip(9, 'b')]) // 23:59:59
    await take(cell, undefined, [trip(10, 'c')])
    await take(cell, undefined, [trip(11, 'd')])
    expect(await dates()).toEqual(['2026-01-01', '2026-01-01', '2026-01-02'])
  })

  it('has, for the first one, the date of the registration, whoever made it', async () => {
    await cell.journal.register({ shard: 's', lineage: { s: [] }, startDate: '2025-12-31' })
    await take(cell, undefined, [trip(1, 'a')])
    expect(await dates()).toEqual(['2025-12-31'])
  })
})

it('the bytes of an undecodable record are put before raw holds its stub', async () => {
  const process = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')
  await take(cell, process, [record(1, Uint8Array.of(0xff))])
  const place = (what: RegExp) => process.log.findIndex((name) => what.test(name))
  expect(place(/undecodable/)).toBeGreaterThanOrEqual(0)
  expect(place(/undecodable/)).toBeLessThan(place(/if absent .*raw/))
})

describe('what a process remembers', () => {
  it('counts only while no other process went on', async () => {
    const warm = cell.archive()
    await warm.take('s', [trip(1, 'a')])
    await take(cell, undefined, [trip(2, 'b')])
    expect((await warm.take('s', [trip(3, 'b')]))[0]!.counts.duplicate).toBe(1)
  })

  it('is the latest admission, in a batch and over batches, and no duplicate extends it', async () => {
    cell = new MemoryCell({ ...contract, dedupHorizonMinutes: 60 })
    const a = tripText({ id: 'a' })
    const [one] = await take(cell, undefined, [
      at(1, 0, a),
      at(2, 59, a),
      at(3, 60, a),
      at(4, 61, a),
    ])
    const [two] = await take(cell, undefined, [at(5, 119, a), at(6, 120, a)])
    expect([one, two].map((entry) => entry!.counts.admitted)).toEqual([2, 1])
  })

  it('is kept while it grows', async () => {
    cell = new MemoryCell({ ...contract, dedupHorizonMinutes: 60 })
    const warm = cell.archive()
    for (const [n, minute] of [
      [1, 0],
      [2, 30],
      [3, 31],
    ] as const)
      await warm.take('s', [at(n, minute, many(n * 400, 400))])
    expect((await warm.take('s', [at(4, 45, many(400, 400))]))[0]!.counts.duplicate).toBe(400)
  })

  it('is of source and id, each in its length', () => {
    const identify = keyedIdentity(new Uint8Array(32))
    expect(identify('a', 'bc')).not.toEqual(identify('ab', 'c'))
  })
})

it('the maximum event time is that of admitted rows, each capped at its arrival and the skew', async () => {
  const on = (n: number, id: string, dropoff: string, fare = '10.50') =>
    record(n, tripText({ id, dropoff, fare }))
  await take(cell, undefined, [on(1, 'a', '2019-01-04 10:00:00')])
  await take(cell, undefined, [
    on(2, 'a', '2019-01-06 10:00:00'),
    on(3, 'b', '2019-01-03 10:00:00'),
  ])
  await take(cell, undefined, [
    on(4, 'c', '2019-01-07 10:00:00', '-5.00'),
    on(5, 'd', '2019-01-03 10:00:00'),
  ])
  await take(cell, undefined, [on(6, 'e', '2099-01-01 10:00:00')])
  const first = Date.parse('2019-01-04T15:00:00Z') * 1000
  const capped = record(6, '').arrivalMicros + contract.maxFutureSkewMinutes * 60_000_000
  expect((await entries()).map((entry) => entry.maxEventTimeAfter)).toEqual([
    first,
    first,
    first,
    capped,
  ])
})

describe('the fences of a table', () => {
  beforeEach(async () => {
    await take(cell, undefined, [trip(1, 'a')])
    await cell.commit()
  })

  it('survive a commit of another engine, which knows nothing of them', async () => {
    const foreign = [{ files: [], summary: {}, setProperties: () => ({}) }]
    await commit(lake(), NAME, () => foreign.pop())
    await take(cell, undefined, [trip(2, 'b')])
    await cell.commit()
    expect((await cell.outcome()).curated).toEqual(['a', 'b'])
  })

  it('stop the commit when the table was rolled back behind them', async () => {
    await take(cell, undefined, [trip(2, 'b')])
    await cell.commit()
    await change((metadata) => ({
      ...metadata,
      'current-snapshot-id': metadata.snapshots[0]!['snapshot-id'],
    }))
    await take(cell, undefined, [trip(3, 'c')])
    await expect(cell.commit()).rejects.toMatchObject({ code: 'lake.rolledBack' })
    expect((await cell.outcome()).curated).toEqual(['a'])
  })

  it('stand while the table is on hold', async () => {
    await change((metadata) => ({
      ...metadata,
      properties: { ...metadata.properties, [HOLD_PROPERTY]: 'why' },
    }))
    await take(cell, undefined, [trip(2, 'b')])
    await expect(cell.commit()).rejects.toMatchObject({ code: 'lake.onHold' })
    expect((await cell.outcome()).curated).toEqual(['a'])
  })
})

describe('a journal that lacks an entry', () => {
  beforeEach(async () => {
    for (const [n, id] of ['a', 'b', 'c'].entries()) await take(cell, undefined, [trip(n + 1, id)])
    await cell.archive().take('t', [trip(9, 'z')])
    const [, lost] = await entries()
    const entriesAfter = cell.journal.entriesAfter.bind(cell.journal)
    cell.journal.entriesAfter = async (...page) =>
      (await entriesAfter(...page)).filter((one) => one.last !== lost!.last)
  })

  it('is not skipped by the commit: the shard waits, others go on, the gap is named', async () => {
    const [first] = await entries()
    expect((await cell.commit()).gaps).toMatchObject([{ shard: 's', fence: first!.last }])
    expect((await cell.outcome()).curated).toEqual(['a', 'z'])
  })

  it('is not skipped by the windows', async () => {
    await expect(cell.update()).rejects.toMatchObject({ code: 'journal.gap' })
    expect(await cell.slots.cursor('zone-fares', 's')).not.toBe(
      (await cell.journal.head('s'))!.last,
    )
  })
})

it('one commit-snapshots goes on until nothing is left, however little a commit takes', async () => {
  for (let n = 1; n <= 5; n++)
    await take(cell, undefined, [trip(n, `e${n}`, n === 3 ? '-5.00' : '10.50')])
  const report = await commitSnapshots({
    lake: lake(),
    journal: cell.journal,
    contracts: cell.contracts,
    layout: cell.layout,
    database: 'weir',
    maxEntriesPerShard: 2,
  })
  expect(report).toMatchObject({ commits: 3, entries: 5, rows: 4 })
})

describe('two invocations of update-windows at once', () => {
  const trips = async () => (await cell.outcome()).windows.map((one) => Number(one.split(' ')[1]))
  const paused = async () => {
    const process = new PausedProcess(/write/)
    const running = cell.update(process)
    await process.reached
    return { process, running }
  }

  it('one that wakes with an old reading of a slot takes nothing back', async () => {
    await take(cell, undefined, [trip(1, 'a')])
    await cell.update()
    await take(cell, undefined, [trip(2, 'b')])
    const { process, running } = await paused()
    await take(cell, undefined, [trip(3, 'c')])
    await cell.update()
    process.letGo()
    await running
    expect(await trips()).toEqual([3])
  })

  it('one that loses a slot to a shorter one adds what that lacks', async () => {
    await take(cell, undefined, [trip(1, 'a')])
    const shorter = await paused()
    await take(cell, undefined, [trip(2, 'b')])
    const longer = await paused()
    const advanceCursor = cell.slots.advanceCursor.bind(cell.slots)
    cell.slots.advanceCursor = () => Promise.reject(new Error('dies'))
    shorter.process.letGo()
    await shorter.running.catch(() => undefined)
    cell.slots.advanceCursor = advanceCursor
    longer.process.letGo()
    await longer.running
    expect(await trips()).toEqual([2])
  })
})
