import { describe, expect, it } from 'vitest'
import { asRunError, RUN_ERRORS, runErrorOf } from '#lib/domain/backfill/failure.ts'
import {
  chunkNames,
  chunkRange,
  costOf,
  type FileExtent,
  MICROS_PER_DAY,
  type PlanInput,
  planBackfill,
} from '#lib/domain/backfill/plan.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

const FROM = Date.UTC(2026, 0, 1) * 1000
const MIB = 2 ** 20

const file = (day: number, rows: number, bytes: number, days = 1): FileExtent => ({
  first: FROM + day * MICROS_PER_DAY,
  last: FROM + (day + days) * MICROS_PER_DAY - 1,
  rows,
  bytes,
})
const input = (days: number, source: readonly FileExtent[], changes: Partial<PlanInput> = {}) => ({
  from: FROM,
  to: FROM + days * MICROS_PER_DAY,
  reach: 0,
  source,
  present: [],
  sourceManifests: 1,
  presentManifests: 1,
  parallel: 10,
  ...changes,
})

describe('a plan', () => {
  it('puts small days together, and never cuts a large one', () => {
    const small = planBackfill(input(60, [file(0, 10, 1_000), file(30, 10, 1_000)]))
    const large = planBackfill(input(60, [file(3, 5_000_000, 200 * MIB)]))

    expect(small).toMatchObject({ days: 60, chunkDays: 31, chunks: 2 })
    expect(large).toMatchObject({ days: 60, chunkDays: 1, chunks: 60 })
  })

  it('counts a file with each chunk that opens it, for the windows that reach over midnight too', () => {
    const heavy = (at: number) => file(at, 1_900_000, MIB)
    const apart = planBackfill(input(2, [heavy(0), heavy(1)]))
    const reaching = planBackfill(input(2, [heavy(0), heavy(1)], { reach: 3_600_000_000 }))

    expect(apart.chunks).toBe(2)
    expect(reaching.units['s3.getRequests']! - apart.units['s3.getRequests']!).toBe(1)
  })

  it('costs what its units cost, between a low and a high end, and more for more rows', () => {
    const one = planBackfill(input(10, [file(0, 1_000_000, 8 * MIB, 10)]))
    const more = planBackfill(input(10, [file(0, 9_000_000, 80 * MIB, 10)]))

    expect(one.usd.likely).toBeCloseTo(costOf(one.units), 12)
    expect(one.usd.low).toBeLessThan(one.usd.likely)
    expect(one.usd.high).toBeGreaterThan(one.usd.likely)
    expect(more.usd.likely).toBeGreaterThan(one.usd.likely)
    expect(more.seconds.likely).toBeGreaterThan(one.seconds.likely)
  })

  it('asks for a person by its high end, and for nobody without a threshold', () => {
    const files = [file(0, 1_000, MIB)]
    const { usd } = planBackfill(input(5, files))
    const needs = (approveAboveUsd: number) =>
      planBackfill(input(5, files, { approveAboveUsd })).needsApproval

    expect(needs((usd.likely + usd.high) / 2)).toBe(true)
    expect(needs(usd.high)).toBe(false)
    expect(planBackfill(input(5, files)).needsApproval).toBe(false)
  })

  it('refuses more chunks than a state machine takes', () => {
    const days = 11_000
    const crowded = Array.from({ length: days }, (_, at) => file(at, 3_000_000, MIB))

    expect(() => planBackfill(input(days, crowded))).toThrow('ask for a shorter one')
  })

  it('names chunks by their first day, and the last one ends with the range', () => {
    const range = { from: FROM, to: FROM + 40 * MICROS_PER_DAY }

    expect(chunkNames(range, { chunkDays: 31 })).toEqual(['2026-01-01', '2026-02-01'])
    expect(chunkRange(range, { chunkDays: 31 }, '2026-02-01')).toEqual({
      from: FROM + 31 * MICROS_PER_DAY,
      to: range.to,
    })
  })
})

describe('what a run ends with', () => {
  const caught = (error: unknown) => {
    const { name, message } = error as Error
    return { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message }) }
  }

  it('comes through the state machine with its code, and is not repeated', () => {
    const error = asRunError(new PlatformError('backfill.lockLost', 'it is: lost'))

    expect((error as Error).name).toBe(RUN_ERRORS.ended)
    expect(runErrorOf(caught(error))).toEqual({ code: 'backfill.lockLost', message: 'it is: lost' })
  })

  it('is repeated where that may help, and told as it came in the end', () => {
    const error = new PlatformError('backfill.locked', 'wait', { retryable: true })

    expect(asRunError(error)).toBe(error)
    expect(runErrorOf({ Error: 'States.Timeout' })).toEqual({
      code: 'States.Timeout',
      message: 'the run ended with States.Timeout',
    })
  })
})
