import { expect, it } from 'vitest'
import { memoryStores } from '../../bench/writers/memory.ts'
import { measureWriters } from '../../bench/writers.ts'

it('many writers, compaction and deletes beside one another lose no row and double none, 20 times as fast together', async () => {
  const report = await measureWriters({ writers: 64, together: 30, alone: 1 }, memoryStores)

  expect(report.isComplete).toBe(true)
  expect(report.commits).toBeLessThan(64)
  expect(report.compactions + report.deletes).toBeGreaterThan(0)
  expect(report.togetherPerSecond / report.alonePerSecond).toBeGreaterThan(20)
})
