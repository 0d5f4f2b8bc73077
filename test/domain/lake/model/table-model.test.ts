import { describe, expect, it } from 'vitest'
import { runModel } from './run-model.ts'

describe('a table to which everything happens', () => {
  it.each([1, 2, 3, 4])('holds the rows that a list of them holds (seed %i)', async (seed) => {
    const { plannedShare } = await runModel({ seed, operations: 120 })

    expect(plannedShare).toBeLessThan(0.8)
  })
})
