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

  describe('the panes of a key', () => {
    beforeEach(async () => {
      for (const paneStart of [-HOUR, 0, HOUR]) {
        for (let shard = 0; shard < 20; shard++) {
          await slots.write(slot({ paneStart, shard: `shard-${shard}` }), undefined)
        }
      }
      await slots.write(slot({ paneStart: HOUR, key: 'other' }), undefined)
    })

    it('the newest is the last that starts at or before the time, with the slots of all shards', async () => {
      const at = async (time: number) => {
        const found = await slots.newestPane('view', 'key', time)
        return [found.length, ...new Set(found.map((one) => one.paneStart))]
      }

      expect(await at(HOUR)).toEqual([20, HOUR])
      expect(await at(HOUR - 1)).toEqual([20, 0])
      expect(await at(-1)).toEqual([20, -HOUR])
      expect(await at(-HOUR - 1)).toEqual([0])
    })

    it('a range has all that start in it, both ends included, in their order', async () => {
      const range = async (from: number, to: number) => {
        const found = await slots.range('view', 'key', from, to, { consistent: true })
        return found.map((one) => one.paneStart)
      }

      expect(new Set(await range(-HOUR, 0))).toEqual(new Set([-HOUR, 0]))
      expect(await range(-HOUR, 0)).toHaveLength(40)
      expect(await range(1, HOUR)).toEqual(Array.from({ length: 20 }, () => HOUR))
      expect(await range(1, HOUR - 1)).toEqual([])
    })
  })

  describe('the members of a pane', () => {
    const membersOf = async (paneStart: number) => {
      const found: string[] = []
      for await (const { shard, keys } of slots.members('view', paneStart)) {
        for (const key of keys) found.push(`${shard}/${key}`)
      }
      return [...new Set(found)].sort()
    }
    const panes = async (from: number, to: number) => {
      const found: number[] = []
      for await (const pane of slots.panes('view', from, to)) found.push(pane)
      return found
    }

    it('add up, whoever notes them and however often', async () => {
      await slots.addMembers('view', 'a', new Map([[0, ['x', 'y']]]))
      await slots.addMembers('view', 'a', new Map([[0, ['z']]]))
      await slots.addMembers('view', 'b', new Map([[0, ['x']]]))
      await slots.addMembers('view', 'a', new Map([[0, ['x', 'y']]]))

      expect(await membersOf(0)).toEqual(['a/x', 'a/y', 'a/z', 'b/x'])
      expect(await membersOf(HOUR)).toEqual([])
    })

    it('tell which panes there are, in order of time', async () => {
      await slots.addMembers('view', 'a', new Map([0, HOUR, -HOUR].map((pane) => [pane, ['x']])))
      await slots.addMembers('other', 'a', new Map([[2 * HOUR, ['x']]]))

      expect(await panes(-HOUR, 5 * HOUR)).toEqual([-HOUR, 0, HOUR])
      expect(await panes(1, HOUR)).toEqual([HOUR])
    })

    it('may be many and odd', async () => {
      const keys = Array.from({ length: 3_000 }, (_, i) => `key "${i}" # \u0001 ü`)
      await slots.addMembers('view', 'a', new Map([[0, keys]]))

      expect(await membersOf(0)).toEqual(keys.map((key) => `a/${key}`).sort())
    })
  })

  describe('a cursor', () => {
    it('starts at the start and only moves forward', async () => {
      const at = (digits: string) => {
        return { position: sequenceNumber(digits), definition: 'd', maxEventTime: Number(digits) }
      }
      expect(await slots.cursor('view', 'a')).toEqual({ position: START })

      await slots.advanceCursor('view', 'a', at('10'))
      await slots.advanceCursor('view', 'a', at('9'))

      expect(await slots.cursor('view', 'a')).toEqual(at('10'))
      expect(await slots.cursor('other', 'a')).toEqual({ position: START })
    })
  })

  describe('the progress of final results', () => {
    it('only moves forward', async () => {
      expect(await slots.finalProgress('view')).toBeUndefined()

      await slots.advanceFinalProgress('view', { closed: HOUR, fences: { a: START } })
      await slots.advanceFinalProgress('view', { closed: 0, fences: {} })

      expect(await slots.finalProgress('view')).toEqual({ closed: HOUR, fences: { a: START } })
    })
  })
}

function slot(changes: Partial<Slot> = {}): Slot {
  return {
    view: 'view',
    key: 'key',
    paneStart: 0,
    shard: 'shard-0',
    states: {},
    eventTime: { min: -1, max: 5 },
    sequence: sequenceNumber('1'),
    computedAtMs: 1,
    ...changes,
  }
}
