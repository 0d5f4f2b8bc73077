import { beforeAll, describe, expect, it } from 'vitest'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { type Baseline, countBaseline, growthOf, readBaseline } from '../../bench/cost/baseline.ts'
import { PRICES } from '../../bench/cost/prices.ts'

describe('what a million events cost', () => {
  let now: Baseline
  beforeAll(async () => {
    now = await countBaseline()
  }, 180_000)

  it('has not grown by more than 5 %, nor has any kind of call', () => {
    // Grown on purpose? `node bench/cost/write-baseline.ts`, and say in the commit what it buys.
    expect(growthOf(readBaseline(), now)).toEqual([])
  })

  it('is counted the same each time', async () => {
    expect(await countBaseline()).toEqual(now)
  }, 180_000)

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

    expect(grown).toEqual([
      expect.stringMatching(/^lake: s3\.putRequests grew from \d+ to \d+$/),
      expect.stringMatching(/^lake: the price/),
      expect.stringMatching(/^features: s3\.putRequests grew from \d+ to \d+$/),
    ])
  }, 180_000)

  it('and one more read of the journal per batch, though it costs next to nothing', async () => {
    const curious = (journal: Journal): Journal => {
      const append = journal.append.bind(journal)
      journal.append = async (entry) => {
        await journal.registration(entry.shard)
        return append(entry)
      }
      return journal
    }

    const grown = growthOf(readBaseline(), await countBaseline({ wrapJournal: curious }))

    expect(grown).toEqual([expect.stringMatching(/^lake: dynamodb\.readUnits grew from/)])
  }, 180_000)

  it('and so would a call that nobody counted before', () => {
    const features = { usd: 1, units: {} }
    const lake = { usd: 1, units: { 'glue.requests': 100 } }
    const grown = (changed: typeof lake | { usd: number; units: { 'kms.requests': number } }) =>
      growthOf({ lake, features }, { lake: changed, features })

    expect(grown({ usd: 1.05, units: { 'glue.requests': 105 } })).toEqual([])
    expect(grown({ usd: 1.06, units: { 'kms.requests': 1 } })).toEqual([
      'lake: kms.requests grew from 0 to 1',
      'lake: the price, in $ per million events, grew from 1 to 1.06',
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
