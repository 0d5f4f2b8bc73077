import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { countingIds } from '../lake-fixture.ts'
import { TableModel } from './table-model.ts'

function memoryWorld(seed: number) {
  const clock = { ms: Date.UTC(2026, 10, 1), nowMs: () => clock.ms++ }
  const objects = new MemoryObjectStore({ clock })
  const lake = { objects, catalog: new MemoryCatalog(), clock, ids: countingIds(seed) }
  return { lake, remover: objects, location: 's3://lake/rides' }
}

describe('a table to which everything happens', () => {
  it.each([1, 2, 3, 4])('holds the rows that a list of them holds (seed %i)', async (seed) => {
    const model = await TableModel.create(memoryWorld(seed), seed)

    for (let at = 1; at <= 120; at++) {
      const what = await model.step()
      await model.check().catch((error: Error) => {
        throw new Error(`after operation ${at} (${what}): ${error.message}`, { cause: error })
      })
      if (at % 20 === 0) await model.checkSnapshots()
    }

    expect(model.plannedShare).toBeLessThan(0.8)
  })
})
