import { beforeEach, describe, expect, it } from 'vitest'
import { START, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Slot, SlotStore } from '#lib/domain/process/slot-store.ts'

const HOUR = 3_600_000_000

/** What every slot store promises; run on each adapter. `create` gives an empty one. */
export function slotStoreContract(create: () => Promise<SlotStore>): void {
  let slots: SlotStore
  beforeEach(async () => {
    slots = await create()
  })

  describe('a slot', () => {
    it('is created only while absent, and replaced only with the position it was read with', async () => {
      const [one, two, three] = ['1', '2', '3'].map(sequenceNumber)

      expect(await slots.write(slot({ sequence: one! }), undefined)).toBe(true)
      expect(await slots.write(slot({ sequence: two! }), undefined)).toBe(false)
      expect(await slots.write(slot({ sequence: two! }), one)).toBe(true)
      expect(await slots.write(slot({ sequence: three! }), one)).toBe(false)
      expect((await slots.read([slot()]))[0]?.sequence).toBe(two)
    })

    it('comes back as it was written; an absent one is left out', async () => {
      const written = slot({ key: 'a#b', states: { n: 3, sum: { count: 2, sum: '-12' } } })
      await slots.write(written, undefined)

      const found = await slots.read([written, slot({ key: 'nobody' })])

      expect(found).toEqual([written])
    })

    it('is found among more than a hundred', async () => {
      const all = Array.from({ length: 130 }, (_, i) => slot({ key: `k${i}` }))
      await Promise.all(all.map((one) => slots.write(one, undefined)))

      expect(await slots.read(all)).toHaveLength(130)
    })
  })

  describe('the newest window', () => {
    it('is the last that starts at or before the time, with the slots of all shards', async () => {
      for (const windowStart of [-HOUR, 0, HOUR]) {
        for (let shard = 0; shard < 20; shard++) {
          await slots.write(slot({ windowStart, shard: `shard-${shard}` }), undefined)
        }
      }
      await slots.write(slot({ windowStart: HOUR, key: 'other' }), undefined)

      const at = async (time: number) => {
        const found = await slots.newestWindow('view', 'key', time)
        return [found.length, ...new Set(found.map((one) => one.windowStart))]
      }

      expect(await at(HOUR)).toEqual([20, HOUR])
      expect(await at(HOUR - 1)).toEqual([20, 0])
      expect(await at(-1)).toEqual([20, -HOUR])
      expect(await at(-HOUR - 1)).toEqual([0])
    })
  })

  describe('a cursor', () => {
    it('starts at the start and only moves forward', async () => {
      expect(await slots.cursor('view', 'a')).toBe(START)

      await slots.advanceCursor('view', 'a', sequenceNumber('10'))
      await slots.advanceCursor('view', 'a', sequenceNumber('9'))

      expect(await slots.cursor('view', 'a')).toBe(sequenceNumber('10'))
      expect(await slots.cursor('other', 'a')).toBe(START)
    })
  })
}

function slot(changes: Partial<Slot> = {}): Slot {
  return {
    view: 'view',
    key: 'key',
    windowStart: 0,
    shard: 'shard-0',
    states: {},
    sequence: sequenceNumber('1'),
    computedAtMs: 1,
    ...changes,
  }
}
