import { beforeEach, expect, it } from 'vitest'
import { START, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Slot, SlotInventory, SlotStore } from '#lib/domain/process/slot-store.ts'

/** What every inventory of slots promises; run on each adapter. `create` gives an empty store with its inventory. */
export function slotInventoryContract(
  create: () => Promise<{ readonly slots: SlotStore; readonly inventory: SlotInventory }>,
): void {
  let slots: SlotStore
  let inventory: SlotInventory
  beforeEach(async () => {
    ;({ slots, inventory } = await create())
    for (const view of ['one', 'v2.one', 'two']) await fill(slots, view)
  })

  async function keysOf(...views: string[]): Promise<string[]> {
    const found = new Set<string>()
    for await (const page of inventory.slotsOf(new Set(views))) {
      for (const { view, key, paneStart, shard } of page) {
        found.add(`${view} ${key} ${paneStart} ${shard}`)
      }
    }
    return [...found].sort()
  }

  it('goes through all slots of the views that are asked for', async () => {
    expect(await keysOf('one')).toHaveLength(60)
    expect(await keysOf('one', 'v2.one')).toHaveLength(120)
    expect((await keysOf('v2.one'))[0]).toBe('v2.one k#0 0 shard-0')
    expect(await keysOf('nobody')).toEqual([])
  })

  it('removes all that a view has, and nothing of another; a repeat finds nothing', async () => {
    expect(await inventory.removeViews(new Set(['v2.one']))).toBeGreaterThan(60)
    expect(await inventory.removeViews(new Set(['v2.one']))).toBe(0)

    expect(await keysOf('v2.one')).toEqual([])
    expect(await slots.cursor('v2.one', 'shard-0')).toEqual({ position: START })
    expect(await slots.finalProgress('v2.one')).toBeUndefined()
    expect(await keysOf('one', 'two')).toHaveLength(120)
    expect(await slots.finalProgress('one')).toBeDefined()
    expect((await slots.cursor('one', 'shard-0')).definition).toBe('d')
  })
}

async function fill(slots: SlotStore, view: string): Promise<void> {
  const position = sequenceNumber('1')
  for (let i = 0; i < 30; i++) {
    for (const shard of ['shard-0', 'shard-1']) {
      const slot: Slot = {
        view,
        key: `k#${i}`,
        paneStart: 0,
        shard,
        states: {},
        eventTime: { min: 0, max: 1 },
        sequence: position,
        computedAtMs: 1,
      }
      await slots.write(slot, undefined)
    }
  }
  await slots.addMembers(view, 'shard-0', new Map([[0, ['k#0']]]))
  await slots.advanceCursor(view, 'shard-0', { position, definition: 'd' })
  await slots.advanceFinalProgress(view, { closed: 1, fences: {} })
}
