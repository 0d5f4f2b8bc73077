import { zstdCompressSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

it('a batch of compressed bombs is archived in small steps, so that an invocation that ends early has progressed', async () => {
  const cell = new MemoryCell(await tripsContract())
  const bomb = zstdCompressSync(Buffer.alloc(64 << 20))
  const records = [
    ...Array.from({ length: 6 }, (_, i) => record(i + 1, bomb)),
    record(7, tripText({ id: 'a' })),
  ]

  const entries = await cell.archive().take('shard', records)

  expect(entries.length).toBeGreaterThanOrEqual(3)
  expect(entries.reduce((sum, entry) => sum + entry.counts.rejected, 0)).toBe(6)
  expect(entries.reduce((sum, entry) => sum + entry.counts.admitted, 0)).toBe(1)
})
