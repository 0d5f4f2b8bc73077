import { describe, expect, it } from 'vitest'
import { IdentitySet, identityWords, NEVER } from '#lib/domain/ingest/identity-set.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'

const IDENTITIES = 5_000

/** Words of so few values that many identities share their first place, also the last one of a table. */
function identities(seed: number): Int32Array {
  const random = seededRandom(seed)
  return Int32Array.from({ length: 4 * IDENTITIES }, (_, at) =>
    at % 4 === 0 ? Math.floor(random() * 40) - 20 : Math.floor(random() * 4),
  )
}

describe('a set of identities', () => {
  it('says of each what a map says, one by one and of many at once, while it grows', () => {
    const words = identities(1)
    const random = seededRandom(2)
    const set = new IdentitySet()
    const oracle = new Map<string, number>()
    const idAt = (i: number) => words.subarray(4 * i, 4 * i + 4).join()

    for (let i = 0; i < IDENTITIES; i++) {
      const minute = Math.floor(random() * 100)
      set.add(words.subarray(4 * i), [minute])
      oracle.set(idAt(i), Math.max(minute, oracle.get(idAt(i)) ?? minute))
    }

    const asked = identities(3)
    const both = Int32Array.of(...words, ...asked)
    const expected = Array.from({ length: 2 * IDENTITIES }, (_, i) =>
      oracle.get(both.subarray(4 * i, 4 * i + 4).join()),
    )
    expect(set.size).toBe(oracle.size)
    expect(expected.map((_, i) => set.minuteOf(both, 4 * i))).toEqual(expected)
    expect([...set.minutesOf(both, 2 * IDENTITIES)]).toEqual(
      expected.map((minute) => minute ?? NEVER),
    )
  })

  it('lets go of what is older than asked for when it grows, and of nothing else', () => {
    const random = seededRandom(4)
    const words = Int32Array.from({ length: 4 * IDENTITIES }, () => Math.floor(random() * 2 ** 32))
    const set = new IdentitySet()
    const minutesFrom = (start: number, end: number) =>
      Array.from({ length: end - start }, (_, i) => start + i)
    set.add(words, minutesFrom(0, 500))
    set.forgetBefore(400)

    set.add(words.subarray(4 * 500), minutesFrom(500, IDENTITIES))

    const minutes = [...set.minutesOf(words, IDENTITIES)]
    expect(minutes.slice(0, 400)).toEqual(new Array(400).fill(NEVER))
    expect(minutes.slice(400)).toEqual(Array.from({ length: IDENTITIES - 400 }, (_, i) => 400 + i))
  })
})

it('identities are taken as words wherever their bytes stand', () => {
  const bytes = Uint8Array.from({ length: 33 }, (_, at) => at)

  expect(identityWords(bytes.subarray(1, 33))).toEqual(identityWords(bytes.slice(1, 33)))
})
