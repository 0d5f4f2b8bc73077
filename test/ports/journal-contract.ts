import { beforeEach, describe, expect, it } from 'vitest'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import {
  type Predecessor,
  type SequenceNumber,
  START,
  sequenceNumber,
} from '#lib/domain/kernel/sequence-number.ts'

/** What every journal promises; run on each adapter. `create` gives an empty one. */
export function journalContract(create: () => Promise<Journal>): void {
  let journal: Journal
  beforeEach(async () => {
    journal = await create()
  })

  describe('registrations', () => {
    it('are created once: the second attempt is given the first', async () => {
      const first = { shard: 'a', lineage: { a: [] }, startDate: '2026-01-01' }

      const created = await journal.register(first)
      const adopted = await journal.register({ ...first, startDate: '2026-01-02' })

      expect(created).toEqual(first)
      expect(adopted).toEqual(first)
      expect(await journal.registration('a')).toEqual(first)
    })

    it('are listed in id order; one that was never made is undefined', async () => {
      for (const shard of ['c', 'a', 'b']) {
        await journal.register({ shard, lineage: { [shard]: [] }, startDate: '2026-01-01' })
      }

      expect((await journal.shards()).map((one) => one.shard)).toEqual(['a', 'b', 'c'])
      expect(await journal.registration('d')).toBeUndefined()
    })
  })

  describe('entries', () => {
    it('are created once: the second attempt is given the first, with its verdicts', async () => {
      const first = entry('a', START, '5', { admitted: 3 })

      await journal.append(first)
      const adopted = await journal.append(entry('a', START, '5', { admitted: 1 }))

      expect(adopted).toEqual(first)
      expect(await journal.head('a')).toEqual(first)
    })

    it('stand in number order, not in text order of the digits', async () => {
      await journal.append(entry('a', START, '9'))
      await journal.append(entry('a', sequenceNumber('9'), '10'))
      await journal.append(
        entry('a', sequenceNumber('10'), '111111111111111111111111111111111111111'),
      )

      const found = await journal.entriesAfter('a', sequenceNumber('9'), 10)

      expect(found.map((one) => one.last)).toEqual([
        sequenceNumber('10'),
        sequenceNumber('111111111111111111111111111111111111111'),
      ])
    })

    it('of other shards are not seen', async () => {
      await journal.append(entry('a', START, '1'))
      await journal.append(entry('aa', START, '2'))

      expect(await journal.entriesAfter('a', START, 10)).toHaveLength(1)
      expect(await journal.head('b')).toBeUndefined()
    })

    it('come in pages of the limit, and newest first over all pages', async () => {
      let prev: Predecessor = START
      const all: SequenceNumber[] = []
      for (let i = 1; i <= 30; i++) {
        const next = entry('a', prev, String(i), {}, 'x'.repeat(60_000))
        await journal.append(next)
        prev = next.last
        all.push(next.last)
      }

      const firstTen = await journal.entriesAfter('a', START, 10)
      const everything = await journal.entriesAfter('a', START, 1000)
      const backwards: SequenceNumber[] = []
      for await (const one of journal.newestFirst('a')) backwards.push(one.last)

      expect(firstTen.map((one) => one.last)).toEqual(all.slice(0, 10))
      expect(everything.map((one) => one.last)).toEqual(all)
      expect(backwards).toEqual([...all].reverse())
      expect((await journal.head('a'))?.last).toBe(all.at(-1))
    })
  })
}

function entry(
  shard: string,
  prev: Predecessor,
  last: string,
  counts: Partial<JournalEntry['counts']> = {},
  rawUri = 's3://bucket/raw',
): JournalEntry {
  return {
    shard,
    prev,
    first: sequenceNumber(last),
    last: sequenceNumber(last),
    contractVersion: '1.0.0',
    rawUri,
    counts: { received: 0, admitted: 0, duplicate: 0, rejected: 0, ...counts },
    arrival: { min: 1, max: 2, last: 2, greatest: 2 },
  }
}
