import { describe, expect, it } from 'vitest'
import { plantedBugs } from './bugs/all.ts'
import { catchBug } from './catch-bug.ts'
import { explore, runSchedule } from './explore.ts'
import { placesOf } from './plant.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulate.ts'

const SLOW = 300_000

describe('a seed', () => {
  it.each([0, 1, 4])('decides every step: %d takes the same ones twice', async (seed) => {
    const [one, two] = [
      await simulate(seed, { isTraced: true }),
      await simulate(seed, { isTraced: true }),
    ]

    expect(one.failure).toBeUndefined()
    expect(one).toEqual(two)
    expect(one.hash).toMatch(/^[0-9a-f]{16}$/)
  })

  it('takes other steps than another one', async () => {
    const hashes = new Set<string>()
    for (const seed of [0, 1, 2, 3]) hashes.add((await simulate(seed, { isTraced: true })).hash!)

    expect(hashes.size).toBe(4)
  })

  it('runs the same with nothing left out, and with less of it if something is', async () => {
    const whole = await simulate(2, { isTraced: true })
    const again = await simulate(2, { isTraced: true, only: new Set(whole.taken) })
    const records = whole.taken.filter((name) => name.startsWith('record '))
    const fewer = await simulate(2, { only: new Set(records.slice(0, 2)) })

    expect(again.hash).toBe(whole.hash)
    expect(fewer).toMatchObject({ faults: 0, taken: records.slice(0, 2) })
    expect(fewer.events).toBeLessThan(whole.events)
  })
})

describe('the search near the plain schedule', () => {
  it(
    'finds nothing in a part of the schedules with one deviation',
    async () => {
      const { failures, schedules } = await explore({
        most: 1,
        isSplit: true,
        part: { at: 0, of: 12 },
      })

      expect(failures).toEqual([])
      expect(schedules).toBeGreaterThan(20)
    },
    SLOW,
  )

  it('takes the deviation that it is given', async () => {
    const lines: string[] = []
    const { offers } = await runSchedule(new Map(), false)
    const { name } = offers.find((offer) => offer.name.startsWith('fault commit'))!
    await runSchedule(new Map([[name, 0]]), false, { write: (line) => lines.push(line) })

    expect(lines.filter((line) => line.includes('[dies before]')).length).toBeGreaterThan(0)
  })
})

it('shrinking keeps what it takes to fail, and nothing else', async () => {
  const parts = Array.from({ length: 40 }, (_, at) => at)
  const fails = async (some: readonly number[]) => some.includes(7) && some.includes(31)

  expect(await shrink(parts, fails)).toEqual([7, 31])
})

describe('a bug that is planted', () => {
  it('finds its text once in the code of today, and has a name of its own', () => {
    expect(plantedBugs.map((bug) => [bug.name, placesOf(bug)])).toEqual(
      plantedBugs.map(({ name }) => [name, 1]),
    )
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length)
  })

  // All of them are planted by `npm run sim:bugs`, which takes a quarter of an hour.
  it.each([
    'raw exists, and we go on with our own content',
    'what is remembered is trusted whatever the head is',
    'no ancestor is remembered',
    'a commit is repeated without asking what the table has by now',
    'a slot takes entries that it has',
    'an entry is put, not created',
  ])(
    'is noticed: %s',
    async (name) => {
      const bug = plantedBugs.find((one) => one.name === name)!

      expect(await catchBug(bug)).toMatchObject({ isCaught: true })
    },
    SLOW,
  )

  it(
    'has to fit the code',
    async () => {
      const bug = { ...plantedBugs[0]!, search: 'no such text' }

      await expect(catchBug(bug)).rejects.toThrow('stands 0 times')
    },
    SLOW,
  )

  it('has a name of its own', () => {
    expect(new Set(plantedBugs.map(({ name }) => name)).size).toBe(plantedBugs.length)
  })
})
