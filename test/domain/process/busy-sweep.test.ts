import { expect, it } from 'vitest'
import { makeHandler } from '#functions/process/update-windows/handler.ts'
import { MemoryGenerationStore } from '#lib/adapters/memory/memory-generation-store.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { views } from '#products/trips/features.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

it('a sweep leaves the work to who is at it, a bell never does', async () => {
  const contract = await tripsContract()
  const cell = new MemoryCell(contract)
  await cell.archive().take('shard', [record(1, tripText({ id: 'a' }))])
  let isUp = true
  const handler = makeHandler({
    log: { info: () => {}, error: () => {} },
    busy: { isUp: async () => isUp, during: (work) => work() },
    contracts: versionsOf([contract]),
    views,
    journal: cell.journal,
    objects: cell.objects,
    generations: new MemoryGenerationStore(),
    slotsOf: () => cell.slots,
    clock: { nowMs: () => Date.UTC(2026, 0, 1) },
    layout: cell.layout,
  })

  const beside = await handler({ bell: 'sweep' })
  isUp = false
  const alone = await handler({ bell: 'sweep' })
  await cell.archive().take('shard', [record(2, tripText({ id: 'b' }))])
  isUp = true
  const rung = await handler({ Records: [] })

  expect([beside.entries, alone.entries, rung.entries]).toEqual([0, 1, 1])
})
