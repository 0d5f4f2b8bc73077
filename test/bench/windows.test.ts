import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inProcess } from '../../bench/decode/in-process.ts'
import type { EngineRun } from '../../bench/windows/engine-case.ts'
import { slotWrites } from '../../bench/windows/slot-writes.ts'
import { bids, writeBids } from '../../bench/windows/workload.ts'

const EVENTS = 30_000
const SEED = 5

it.each([
  ['tumbling', 'memory', 10_000, 10_000],
  ['tumbling', 'slots', 10_000, 10_000],
  ['sliding', 'memory', 60_000, 1_000],
] as const)(
  '%s windows of the benchmark, in %s, hold what a loop over its events finds',
  (view, mode, size, slide) => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-windows-test-'))
    try {
      const file = join(folder, 'bids.ndjson')
      writeBids(file, EVENTS, SEED)
      const engine = join(import.meta.dirname, '../../bench/windows/engine-case.ts')

      const run = JSON.parse(inProcess(engine, file, view, mode)) as EngineRun

      expect(run.events).toBe(EVENTS)
      expect(run.answer).toEqual(expectedSums(size, slide))
    } finally {
      rmSync(folder, { recursive: true })
    }
  },
)

it('slots are written once for what gathers for them', () => {
  const events = ['a', 'a', 'a', 'b', 'b', 'b'].map((user, i) => ({ user, ms: 1_000 * i }))

  const writes = slotWrites(events, 3_000, 1, [1, 2, 6])

  expect(writes.map(({ perEvent }) => perEvent)).toEqual([1, 0.667, 0.333])
})

/** Windows, bids, cents and weighted cents, event by event. */
function expectedSums(sizeMs: number, slideMs: number): string[] {
  const seen = new Set<string>()
  const windows = new Map<string, number>()
  const sums = [0n, 0n, 0n, 0n]
  for (const line of bids(EVENTS, SEED)) {
    const { id, data } = JSON.parse(line) as {
      id: string
      data: { placed_ms: number; user_id: string; price: number }
    }
    if (seen.has(id)) continue
    seen.add(id)
    const cents = BigInt(Math.round(data.price * 100))
    const newest = Math.floor(data.placed_ms / slideMs)
    for (let number = newest; number > newest - sizeMs / slideMs; number--) {
      windows.set(`${data.user_id}/${number}`, number)
      sums[1]! += 1n
      sums[2]! += cents
      sums[3]! += BigInt(Number(data.user_id.slice(1)) * 31 + (number % 100_003)) * cents
    }
  }
  sums[0] = BigInt(windows.size)
  return sums.map(String)
}
