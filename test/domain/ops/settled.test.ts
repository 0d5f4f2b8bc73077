import { describe, expect, it } from 'vitest'
import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import {
  type Predecessor,
  type SequenceNumber,
  START,
  sequenceNumber,
} from '#lib/domain/kernel/sequence-number.ts'
import { isSettled, streamTips } from '#lib/domain/ops/settled.ts'
import type { StreamReader } from '#lib/domain/ops/stream-reader.ts'
import { record } from '#test/support/trip-events.ts'

function streamOf(shards: Readonly<Record<string, number>>): StreamReader {
  return {
    shards: async () => Object.keys(shards),
    async *pages(shard: string, after?: SequenceNumber) {
      for (let i = 1; i <= shards[shard]!; i++) {
        const one = record(i, '{}')
        if (after === undefined || one.sequence > after) yield [one]
      }
    },
  }
}

const at = (position: number) => record(position, '').sequence

describe('a stream that is waited for', () => {
  it('ends where its newest record stands, or nowhere', async () => {
    const tips = await streamTips(streamOf({ a: 3, b: 0 }), new MemoryJournal())

    expect([...tips]).toEqual([
      ['a', at(3)],
      ['b', START],
    ])
  })

  it('is settled once the tables are at its end, whatever comes after', () => {
    const tips = new Map<string, Predecessor>([
      ['a', at(3)],
      ['b', START],
    ])

    expect(isSettled(tips, {})).toBe(false)
    expect(isSettled(tips, { a: at(2) })).toBe(false)
    expect(isSettled(tips, { a: at(3) })).toBe(true)
    expect(isSettled(tips, { a: sequenceNumber('9'.repeat(20)), b: START })).toBe(true)
  })
})
