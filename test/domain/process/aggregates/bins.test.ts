import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addBins, type Bins, binsOf, limitBins } from '#lib/domain/process/aggregates/bins.ts'

const keys = fc.array(fc.integer({ min: -40, max: 40 }), { maxLength: 60 })
const limit = fc.integer({ min: 1, max: 20 })

function entries(bins: Bins): [number, number][] {
  return Array.from(bins.keys, (key, at) => [key, bins.counts[at]!])
}

function counted(some: readonly number[]): [number, number][] {
  const counts = new Map<number, number>()
  for (const key of some) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort(([a], [b]) => a - b)
}

const sorted = (some: readonly number[]) => Int32Array.from(some).sort()

describe('bins', () => {
  it('count the values of each key, also when added up', () => {
    fc.assert(
      fc.property(keys, keys, (a, b) => {
        const sum = addBins(binsOf(sorted(a)), binsOf(sorted(b)))
        expect(entries(sum)).toEqual(counted([...a, ...b]))
      }),
    )
  })

  it('are at most as many for each sign as the limit, the greatest magnitudes as they were', () => {
    fc.assert(
      fc.property(keys, limit, (some, most) => {
        const [least, greatest] = [Math.min(...some), Math.max(...some)]
        const moved = some.map((key) => {
          if (key > 0) return Math.max(key, greatest - most + 1)
          return key < 0 ? Math.min(key, least + most - 1) : 0
        })

        const limited = limitBins(binsOf(sorted(some)), most)

        expect(entries(limited)).toEqual(counted(moved))
        for (const sign of [-1, 1]) {
          const ofSign = limited.keys.filter((key) => Math.sign(key) === sign)
          expect(ofSign.length).toBeLessThanOrEqual(most)
        }
      }),
    )
  })
})
