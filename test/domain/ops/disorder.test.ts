import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { disordered, type Timed } from '#lib/domain/ops/disorder.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'

interface Item extends Timed {
  readonly name: number
}

async function* items(times: readonly (number | undefined)[]): AsyncGenerator<Item> {
  for (const [name, eventTime] of times.entries()) yield { name, eventTime }
}

async function shuffled(
  times: readonly (number | undefined)[],
  shuffleMicros: number,
  seed = 7,
  maxHeld = 100_000,
): Promise<Item[]> {
  const found: Item[] = []
  const options = { shuffleMicros, random: seededRandom(seed), maxHeld }
  for await (const item of disordered(items(times), options)) found.push(item)
  return found
}

const sortedTimes = fc
  .array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 80 })
  .map((times) => times.sort((a, b) => a - b))

describe('disorder on purpose', () => {
  it('changes nothing without a distance', async () => {
    const times = [5, 1, undefined, 3]

    expect((await shuffled(times, 0)).map((item) => item.name)).toEqual([0, 1, 2, 3])
  })

  it('hands on every item once, none behind one that is further away than the distance', async () => {
    await fc.assert(
      fc.asyncProperty(
        sortedTimes,
        fc.integer({ min: 1, max: 300 }),
        fc.integer(),
        async (times, distance, seed) => {
          const found = await shuffled(times, distance, seed)

          expect(found.map((item) => item.name).sort((a, b) => a - b)).toEqual(
            times.map((_, i) => i),
          )
          let newest = Number.NEGATIVE_INFINITY
          for (const { eventTime } of found) {
            expect(newest - eventTime!).toBeLessThanOrEqual(distance)
            newest = Math.max(newest, eventTime!)
          }
        },
      ),
    )
  })

  it('is the same for the same seed and another for another', async () => {
    const times = Array.from({ length: 50 }, (_, i) => i)
    const names = async (seed: number) => (await shuffled(times, 20, seed)).map((item) => item.name)

    expect(await names(7)).toEqual(await names(7))
    expect(await names(7)).not.toEqual(await names(8))
    expect(await names(7)).not.toEqual(times)
  })

  it('holds no more items than allowed, whatever their times say', async () => {
    const found = await shuffled(Array<undefined>(1_000).fill(undefined), 1_000_000, 7, 10)

    expect(found).toHaveLength(1_000)
    for (const [i, item] of found.entries()) expect(item.name - i).toBeLessThanOrEqual(10)
  })
})

describe('chance from a seed', () => {
  it('is the same on every machine and for ever', () => {
    const random = seededRandom(7)

    expect([random(), random(), random()]).toMatchInlineSnapshot(`
      [
        0.5525269655045122,
        0.9543713894672692,
        0.9801293711643666,
      ]
    `)
  })

  it('is spread evenly, and differs by seed and stream', () => {
    const random = seededRandom(1)
    const values = Array.from({ length: 100_000 }, random)
    const mean = values.reduce((sum, value) => sum + value) / values.length

    expect(mean).toBeCloseTo(0.5, 2)
    expect(values.filter((value) => value < 0.02).length / values.length).toBeCloseTo(0.02, 2)
    expect(seededRandom(1, 1)()).not.toBe(seededRandom(1, 2)())
  })
})
