import { beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { type Counted, countBaseline, growthOf, readBaseline } from '../../bench/cost/baseline.ts'
import { PRICES } from '../../bench/cost/prices.ts'

describe('what a million events cost', () => {
  let now: Counted
  beforeAll(async () => {
    now = await countBaseline()
  }, 60_000)

  it('has not grown by more than 5 %, nor has any kind of call', () => {
    // Grown on purpose? `node bench/cost/write-baseline.ts`, and say in the commit what it buys.
    expect(growthOf(readBaseline(), now)).toEqual([])
  })

  it('is counted the same each time', async () => {
    expect(await countBaseline()).toEqual(now)
  }, 60_000)

  it('and one more object per batch would be noticed', async () => {
    const wasteful = (objects: ObjectStore): ObjectStore => ({
      get: (uri) => objects.get(uri),
      putIfAbsent: (uri, body, options) => objects.putIfAbsent(uri, body, options),
      list: (prefix) => objects.list(prefix),
      async put(uri, body, options) {
        await objects.put(uri, body, options)
        if (uri.includes('/batches/')) await objects.put(`${uri}.copy`, body, options)
      },
    })

    const grown = growthOf(readBaseline(), await countBaseline({ wrapObjects: wasteful }))

    expect(grown).toEqual([expect.stringMatching(/^s3\.putRequests grew from \d+ to \d+$/)])
  }, 60_000)

  it('and so would a call that nobody counted before', () => {
    const before = { usd: 1, units: { 'glue.requests': 100 } }

    expect(growthOf(before, { usd: 1.05, units: { 'glue.requests': 105 } })).toEqual([])
    expect(growthOf(before, { usd: 1.06, units: { 'kms.requests': 1 } })).toEqual([
      'kms.requests grew from 0 to 1',
      'the price, in $ per million events, grew from 1 to 1.06',
    ])
  })
})

describe('the price file', () => {
  it('says of every price what it is for, when and where it was read', () => {
    for (const price of Object.values(PRICES.prices)) {
      expect(price.usd).toBeGreaterThan(0)
      expect(price.unit).not.toBe('')
      expect(price.asOf).toMatch(/^20\d\d-\d\d$/)
      expect(price.source).toMatch(/https:\/\/aws\.amazon\.com\//)
    }
  })
})
