import { beforeEach, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

let contract: Contract
let cell: MemoryCell
beforeEach(async () => {
  contract = await tripsContract()
  cell = new MemoryCell(contract)
})

/** Archives one event with a cold process; gives its verdict. */
async function verdictOf(shard: string, sequence: number, id: string, arrivalMinutes = 0) {
  const one = record(sequence, tripText({ id }))
  const arrivalMicros = one.arrivalMicros + arrivalMinutes * 60_000_000
  const [entry] = await cell.archive().take(shard, [{ ...one, arrivalMicros }])
  const { admitted, duplicate } = entry!.counts
  return admitted === 1 ? 'admitted' : duplicate === 1 ? 'duplicate' : 'rejected'
}

describe('a resend that lands in another shard after a reshard', () => {
  it('is a duplicate of what any ancestor admitted, also through a parent that never had a record', async () => {
    cell.shards.listed.set('A', [])
    await verdictOf('A', 1, 'a')
    cell.shards.listed.set('B', ['A']).set('C', ['A']).set('D', ['B']).set('E', ['B'])

    expect(await verdictOf('D', 10, 'a')).toBe('duplicate')
    expect(await verdictOf('D', 11, 'b')).toBe('admitted')
  })

  it('is a duplicate of what either parent of a merge admitted', async () => {
    cell.shards.listed.set('A', []).set('B', [])
    await verdictOf('A', 1, 'a')
    await verdictOf('B', 2, 'b')
    cell.shards.listed.set('C', ['A', 'B'])

    expect(await verdictOf('C', 10, 'a')).toBe('duplicate')
    expect(await verdictOf('C', 11, 'b')).toBe('duplicate')
  })

  it('is a duplicate although the stream has forgotten the parents by now', async () => {
    cell.shards.listed.set('A', []).set('B', ['A'])
    await verdictOf('A', 1, 'a')
    await verdictOf('B', 2, 'b')
    cell.shards.listed.clear()
    cell.shards.listed.set('C', ['B'])

    expect(await verdictOf('C', 10, 'a')).toBe('duplicate')
  })

  it('is not a duplicate of what a sister admitted: that is not an earlier position', async () => {
    cell.shards.listed.set('A', []).set('B', ['A']).set('C', ['A'])
    await verdictOf('B', 1, 'a')

    expect(await verdictOf('C', 10, 'a')).toBe('admitted')
  })
})

describe('a shard that came from others', () => {
  const refusal = (code: string) => expect.objectContaining({ code, retryable: true })
  const sequence = (n: number) => record(n, '').sequence

  it('waits until all that its parent holds is in the journal', async () => {
    cell.shards.listed.set('A', []).set('B', ['A'])
    cell.shards.tips.set('A', sequence(2))
    await verdictOf('A', 1, 'x')

    await expect(verdictOf('B', 10, 'a')).rejects.toEqual(refusal('lineage.parentNotDrained'))
    expect(await cell.journal.head('B')).toBeUndefined()
    await verdictOf('A', 2, 'a')
    expect(await verdictOf('B', 10, 'a')).toBe('duplicate')
  })

  it('waits for both parents of a merge, and for one that still takes records', async () => {
    cell.shards.listed.set('A', []).set('B', []).set('C', ['A', 'B'])
    cell.shards.open.add('B')

    await expect(verdictOf('C', 10, 'a')).rejects.toEqual(refusal('lineage.parentNotDrained'))
    cell.shards.open.delete('B')
    expect(await verdictOf('C', 10, 'a')).toBe('admitted')
  })

  it('waits for its grandparent too, where its parent never had a record', async () => {
    cell.shards.listed.set('A', []).set('B', ['A']).set('C', ['B'])
    cell.shards.tips.set('A', sequence(1))

    await expect(verdictOf('C', 10, 'a')).rejects.toEqual(refusal('lineage.parentNotDrained'))
    await verdictOf('A', 1, 'a')
    expect(await verdictOf('C', 10, 'a')).toBe('duplicate')
  })

  it('asks no more once it has an entry', async () => {
    cell.shards.listed.set('A', []).set('B', ['A'])
    await verdictOf('B', 10, 'a')
    cell.shards.listed.clear()
    cell.shards.listed.set('other', [])

    expect(await verdictOf('B', 11, 'a')).toBe('duplicate')
  })

  it('waits until the stream lists it: until then nobody knows its parents', async () => {
    cell.shards.listed.set('A', [])
    await verdictOf('A', 1, 'a')

    await expect(verdictOf('B', 10, 'a')).rejects.toEqual(refusal('lineage.shardUnknown'))
    expect(await cell.journal.registration('B')).toBeUndefined()
    cell.shards.listed.set('B', ['A'])
    expect(await verdictOf('B', 10, 'a')).toBe('duplicate')
  })

  it('keeps its ancestors, although the stream forgot those without records before its first one', async () => {
    cell.shards.listed.set('A', [])
    await verdictOf('A', 1, 'a')
    cell.shards.listed.set('B', ['A']).set('C', ['A']).set('D', ['B']).set('E', ['B'])
    await verdictOf('C', 2, 'b')
    cell.shards.listed.delete('A')
    cell.shards.listed.delete('B')

    expect(await verdictOf('D', 10, 'a')).toBe('duplicate')
    const registered = await cell.journal.shards()
    expect(registered.map((one) => one.shard)).toEqual(['A', 'B', 'C', 'D', 'E'])
    expect(registered.at(-1)!.lineage).toEqual({ A: [], B: ['A'], E: ['B'] })
  })
})

describe('the dedup horizon', () => {
  const HORIZON = 1440

  it('ends a minute count after the admission: one minute earlier is a duplicate', async () => {
    expect(contract.dedupHorizonMinutes).toBe(HORIZON)
    await verdictOf('A', 1, 'a')
    await verdictOf('A', 2, 'b')

    expect(await verdictOf('A', 3, 'a', HORIZON - 1)).toBe('duplicate')
    expect(await verdictOf('A', 4, 'b', HORIZON)).toBe('admitted')
  })

  it('is not extended by duplicates', async () => {
    await verdictOf('A', 1, 'a')
    await verdictOf('A', 2, 'a', HORIZON - 1)

    expect(await verdictOf('A', 3, 'a', HORIZON + 1)).toBe('admitted')
    expect(await verdictOf('A', 4, 'a', HORIZON + 2)).toBe('duplicate')
  })

  it('is the same for a process that has been warm all along', async () => {
    const warm = cell.archive()
    const take = async (sequence: number, minutes: number) => {
      const one = record(sequence, tripText({ id: 'a' }))
      const arrivalMicros = one.arrivalMicros + minutes * 60_000_000
      return (await warm.take('A', [{ ...one, arrivalMicros }]))[0]!.counts.admitted
    }

    expect([await take(1, 0), await take(2, HORIZON - 1), await take(3, HORIZON + 1)]).toEqual([
      1, 0, 1,
    ])
  })

  it('holds when arrival stamps go back', async () => {
    await verdictOf('A', 1, 'a', 30)

    expect(await verdictOf('A', 2, 'a', 0)).toBe('duplicate')
  })
})

describe('the maximum event time that an entry carries', () => {
  const at = async (shard: string, sequence: number, dropoff: string) => {
    const text = tripText({ id: `${shard}${sequence}`, dropoff })
    const [entry] = await cell.archive().take(shard, [record(sequence, text)])
    return entry!
  }
  const utc = (text: string) => Date.parse(text) * 1000

  it('is that of earlier positions, and grows with what was admitted', async () => {
    const first = await at('A', 1, '2019-01-05 10:00:00')
    const second = await at('A', 2, '2019-01-04 10:00:00')

    expect(first.maxEventTimeBefore).toBeUndefined()
    expect(second.maxEventTimeBefore).toBe(utc('2019-01-05T15:00:00Z'))
    expect(second.maxEventTimeAfter).toBe(utc('2019-01-05T15:00:00Z'))
  })

  it('starts, in a child, where the parent ended; after a merge with the smaller one', async () => {
    cell.shards.listed.set('A', []).set('B', [])
    await at('A', 1, '2019-01-05 10:00:00')
    await at('B', 2, '2019-01-07 10:00:00')
    cell.shards.listed.set('C', ['A', 'B']).set('D', ['C'])

    // C never had a record: D starts where C would have, with the smaller of A and B.
    const { maxEventTimeBefore } = await at('D', 10, '2019-01-01 09:00:00')
    expect(maxEventTimeBefore).toBe(utc('2019-01-05T15:00:00Z'))
  })
})

it('a batch is judged by the contract version that raw names, whatever is deployed by then', async () => {
  const strict: Contract = {
    ...contract,
    version: '1.1.0',
    fields: contract.fields.map((field) =>
      field.name === 'fare_amount' ? { ...field, constraints: { minimum: '100' } } : field,
    ),
  }
  const records = [record(1, tripText({ id: 'a' }))]
  // The first attempt dies after raw, before its entry.
  const dying = cell.journal.append
  cell.journal.append = async () => {
    throw new Error('down')
  }
  await expect(cell.archive().take('A', records)).rejects.toThrow('down')
  cell.journal.append = dying

  const deployed = new MemoryCell(contract, strict)
  Object.assign(deployed, { objects: cell.objects, journal: cell.journal })
  const [entry] = await deployed.archive().take('A', records)

  expect(entry).toMatchObject({
    contractVersion: '1.0.0',
    last: sequenceNumber('49000000000000001'),
  })
  expect(entry!.counts.admitted).toBe(1)
})
