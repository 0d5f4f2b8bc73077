import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'

it('gives results in item order and never runs more than the limit at once', async () => {
  let running = 0
  let most = 0

  const results = await inParallel([30, 1, 20, 2, 10], 2, async (ms) => {
    most = Math.max(most, ++running)
    await sleep(ms)
    running--
    return ms * 2
  })

  expect(results).toEqual([60, 2, 40, 4, 20])
  expect(most).toBe(2)
})

it('settles what it began before it throws, and begins nothing more', async () => {
  const ended: number[] = []
  const begun: number[] = []

  const outcome = inParallel([1, 2, 3, 4], 2, async (item) => {
    begun.push(item)
    await sleep(item === 1 ? 1 : 20)
    if (item === 1) throw new Error('first')
    ended.push(item)
  })

  await expect(outcome).rejects.toThrow('first')
  expect(ended).toEqual([2])
  expect(begun).toEqual([1, 2])
})
