import { beforeAll, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell, type Outcome, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

const SHARD = 'shardId-000000000000'

/** Twelve records: single events, a batch, resends, a rejected row, an undecodable record. */
const records: readonly StreamRecord[] = [
  record(1, tripText({ id: 'a' })),
  record(
    2,
    `[${tripText({ id: 'b', zone: 1 })},${tripText({ id: 'c', dropoff: '2019-01-04 10:00:00' })}]`,
  ),
  record(3, tripText({ id: 'a' })),
  record(4, tripText({ id: 'd', fare: '-5.00' })),
  record(5, Uint8Array.of(0xff, 0xfe, 0x00)),
  record(6, tripText({ id: 'e', fare: '0.10' })),
  record(7, tripText({ id: 'b', zone: 1 })),
  record(8, tripText({ id: 'f' })),
  record(9, `[${tripText({ id: 'g' })},${tripText({ id: 'g' })}]`),
  record(10, '{"not": "an event"}'),
  record(11, tripText({ id: 'h', zone: 2 })),
  record(12, tripText({ id: 'c', dropoff: '2019-01-04 10:00:00' })),
]

const FAULTS: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']
/** What the stream delivers after the first six failed: the same, fewer, more, single records. */
const RETRIES: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  'the same batch': [
    [0, 6],
    [6, 12],
  ],
  'a shorter batch': [
    [0, 2],
    [2, 6],
    [6, 12],
  ],
  'a longer batch': [
    [0, 9],
    [9, 12],
  ],
  'bisected to single records': records.map((_, i) => [i, i + 1] as const),
  'an older batch again': [
    [0, 6],
    [0, 6],
    [4, 8],
    [0, 12],
  ],
}

let contract: Contract
let expected: Outcome
beforeAll(async () => {
  contract = await tripsContract()
  const cell = new MemoryCell(contract)
  await cell.archive().take(SHARD, records)
  await cell.commit()
  await cell.update()
  expected = await cell.outcome()
})

it('without faults, every event is in exactly one place', () => {
  expect(expected.counts).toEqual({ received: 14, admitted: 7, duplicate: 4, rejected: 3 })
})

describe.each(FAULTS)('a process that meets "%s"', (fault) => {
  describe.each(Object.keys(RETRIES))('in the archive, retried with %s', (retry) => {
    it('changes no count, at whichever effect', async () => {
      for (let at = 1; ; at++) {
        const cell = new MemoryCell(contract)
        const process = new FaultyProcess(at, fault)
        const first = cell.archive(process)
        await first.take(SHARD, records.slice(0, 6)).catch(() => undefined)
        if (!process.met) return expect(at).toBeGreaterThan(8)

        // A process that lives goes on with what it remembers; a dead one is followed by a cold one.
        const next = fault.startsWith('dies') ? cell.archive() : first
        for (const [from, to] of RETRIES[retry]!) await next.take(SHARD, records.slice(from, to))
        await cell.commit()
        await cell.update()

        expect(await cell.outcome(), `${fault} at ${process.log[at - 1]}`).toEqual(expected)
      }
    })
  })

  it('in the commit, changes no count, at whichever effect', async () => {
    for (let at = 1; ; at++) {
      const cell = new MemoryCell(contract)
      await cell.archive().take(SHARD, records.slice(0, 6))
      const process = new FaultyProcess(at, fault)
      await cell.commit(process).catch(() => undefined)
      if (!process.met) return expect(at).toBeGreaterThan(5)

      await cell.archive().take(SHARD, records)
      await cell.commit()
      await cell.commit()
      await cell.update()

      expect(await cell.outcome(), `${fault} at ${process.log[at - 1]}`).toEqual(expected)
    }
  })

  it('in the windows, changes no count, at whichever effect', async () => {
    for (let at = 1; ; at++) {
      const cell = new MemoryCell(contract)
      await cell.archive().take(SHARD, records.slice(0, 6))
      const process = new FaultyProcess(at, fault)
      await cell.update(process).catch(() => undefined)
      if (!process.met) return expect(at).toBeGreaterThan(3)

      await cell.archive().take(SHARD, records)
      await cell.update()
      await cell.update()
      await cell.commit()

      expect(await cell.outcome(), `${fault} at ${process.log[at - 1]}`).toEqual(expected)
    }
  })
})
