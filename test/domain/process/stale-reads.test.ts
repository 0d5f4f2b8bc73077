import { expect, it } from 'vitest'
import { readFeatures } from '#lib/domain/features/read-features.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import { eventContract, eventRecord } from '#test/support/event-product.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'

const BASE = Date.UTC(2026, 2, 1) * 1000

const WINDOWS: readonly WindowDefinition[] = [
  { kind: 'sliding', sizeSeconds: 60, slideSeconds: 10 },
  { kind: 'session', gapSeconds: 30 },
]

it.each(WINDOWS)(
  'a reader is not told less by a second read that is behind the first: $kind',
  async (window) => {
    const contract = eventContract()
    const cell = new MemoryCell(contract)
    const view: ViewDefinition = {
      name: 'amounts',
      description: '',
      key: 'key',
      window,
      aggregates: [{ name: 'events', function: 'count' }],
      freshnessSeconds: 60,
    }
    cell.views = [view]
    const event = { id: 'e', key: 'k', time: BASE, amount: 1 }
    await cell.archive().take('s', [eventRecord(1, BASE + 1, contract.eventType, [event])])
    await cell.update()
    cell.slots.range = async () => []

    expect(await readFeatures({ slots: cell.slots, contract }, view, 'k', BASE)).toMatchObject({
      values: { events: 1 },
      source: 'stream',
    })
  },
)
