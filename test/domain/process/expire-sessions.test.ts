import { expect, it } from 'vitest'
import { MemorySlotStore } from '#lib/adapters/memory/memory-slot-store.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { StreamProgress } from '#lib/domain/process/view-watermark.ts'
import { eventContract, eventRecord } from '#test/support/event-product.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'

const SECOND = 1_000_000
/** A pane is as wide as the gap. */
const GAP = 4 * SECOND
const PANE = Date.UTC(2026, 2, 1) * 1000
const SHARD = 'shardId-000000000000'

const contract = eventContract({ allowedLatenessSeconds: 0, outOfOrdernessSeconds: 0 })
const view: ViewDefinition = {
  name: 'amounts',
  description: '',
  key: 'key',
  window: { kind: 'session', gapSeconds: 4 },
  aggregates: [{ name: 'events', function: 'count' }],
  freshnessSeconds: 60,
}

/** Notes which panes were let go. */
class NotingSlotStore extends MemorySlotStore {
  readonly gone: Micros[] = []

  override async expirePane(name: string, paneStart: Micros, atMs: number): Promise<void> {
    this.gone.push(paneStart)
    await super.expirePane(name, paneStart, atMs)
  }
}

class NotingCell extends MemoryCell {
  override readonly slots = new NotingSlotStore()
}

/** One shard, whose records have all been read. */
const stream: StreamProgress = {
  parents: async () => new Map([[SHARD, []]]),
  isIdle: async (_shard: string, _after: Predecessor) => false,
}

it('a pane is found for as long as a session that has its last event in it is open', async () => {
  const cell = new NotingCell(contract)
  cell.views = [view]
  let sequence = 0
  const send = async (events: readonly (readonly [string, Micros])[]) => {
    const sent = events.map(([key, time]) => ({ id: `e${++sequence}`, key, time, amount: 1 }))
    const record = eventRecord(++sequence, PANE + 60 * SECOND, contract.eventType, sent)
    await cell.archive().take(SHARD, [record])
    await cell.update()
    await cell.finalize(stream)
  }

  // The first is final two gaps after it, when the other one, at the end of the same pane, is not yet.
  await send([
    ['early', PANE],
    ['late', PANE + GAP - SECOND],
    ['clock', PANE + 2 * GAP + SECOND],
  ])
  expect(cell.slots.gone).not.toContain(PANE)

  await send([['clock', PANE + 3 * GAP]])
  expect(cell.slots.gone).toContain(PANE)
})
