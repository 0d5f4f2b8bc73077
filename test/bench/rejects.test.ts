import { beforeAll, describe, expect, it } from 'vitest'
import { measureRejects, type RejectRate } from '../../bench/rejects.ts'

const EVENTS = 4_000

describe('a product whose events are rejected, all, half or one in 10,000 of them', () => {
  let measured: readonly RejectRate[]
  beforeAll(async () => {
    measured = await measureRejects(EVENTS, 3)
  }, 120_000)

  it('has each of them in quarantine, and every store agrees with every other', () => {
    expect(measured.map(({ rate, rejected, isBalanced }) => [rate, rejected, isBalanced])).toEqual([
      ['100%', EVENTS, true],
      ['50%', EVENTS / 2, true],
      ['1 in 10,000', 0, true],
      ['none', 0, true],
    ])
  })

  it('is archived at most twice as fast at one rate as at another', () => {
    const speeds = measured.map((one) => one.eventsPerSecond)

    expect(Math.max(...speeds) / Math.min(...speeds)).toBeLessThan(2)
  })
})
