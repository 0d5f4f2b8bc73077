import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import { compareScalars, type Scalar } from '#lib/domain/contract/scalar.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import {
  contractOf,
  finished,
  type Row,
  rowsOf,
  shuffled,
  stateBySomeWay,
  statesOf,
  storedText,
  throughStorage,
} from './algebra-harness.ts'
import { DOUBLES, INTS, LONGS, type Make, TEXTS, withNulls } from './value-makers.ts'

const TEXT: FieldType = { kind: 'string' }

function topkOf(type: FieldType, k: number, capacity?: number) {
  const contract = contractOf(type, type.kind === 'string' ? { maxLength: 20 } : {})
  const options = capacity === undefined ? {} : { capacity }
  const definition = { name: 't', function: 'topk', field: 'value', k, ...options } as const
  return { contract, topk: aggregateOf(definition, contract) }
}

interface Ranked {
  readonly value: unknown
  readonly count: number
  readonly error: number
}

/** All values with their counts: the most frequent first, of equally frequent ones the lower ones. */
function oracle(rows: readonly Row[], group: number): (readonly [Scalar, number])[] {
  const counts = new Map<Scalar, number>()
  for (const row of rows) {
    if (row.group !== group || row.value === null) continue
    const value = typeof row.value === 'number' ? row.value + 0 : (row.value as Scalar)
    counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || compareScalars(a, b))
}

const CASES: readonly (readonly [FieldType, string, Make<Value>, (value: never) => unknown])[] = [
  ...cases({ kind: 'int' }, INTS, (value: bigint) => Number(value)),
  ...cases({ kind: 'long' }, LONGS, (value: bigint) => new Decimal(value, 0)),
  ...cases({ kind: 'double' }, DOUBLES, (value: number) => value),
  ...cases(TEXT, TEXTS, (value: string) => value),
  ...cases(
    { kind: 'boolean' },
    { 'of chance': (random, n) => Array.from({ length: n }, () => random() < 0.5) },
    (value: boolean) => value,
  ),
]

function cases<V extends Value>(
  type: FieldType,
  makers: Readonly<Record<string, Make<V>>>,
  shown: (value: V) => unknown,
) {
  return Object.entries(makers).map(([what, make]) => [type, what, make, shown] as const)
}

describe.each(CASES)('the top of a %j field with values %s', (type, _what, make, shown) => {
  it('is exact while all values fit, and the state is the same, whatever the order', () => {
    const { contract, topk } = topkOf(type, 5, 60)
    const random = seededRandom(1)
    for (let round = 0; round < 8; round++) {
      const rows = rowsOf(withNulls(make(random, 60), random), () => Math.floor(random() * 4) - 1)
      const whole = statesOf(topk, contract, rows, 3)

      const other = stateBySomeWay(topk, contract, rows, 3, random)

      for (const group of [0, 1, 2]) {
        const expected = oracle(rows, group)
          .slice(0, 5)
          .map(([value, count]) => ({ value: shown(value as never), count, error: 0 }))
        expect(topk.finish(other[group])).toEqual(expected)
        expect(storedText(topk, other[group])).toBe(storedText(topk, whole[group]))
      }
    }
  })
})

describe('more values than the capacity', () => {
  const distributions: Readonly<Record<string, (random: Random, position: number) => string>> = {
    zipf: (random) => `v${Math.floor(1 / (1 - random()))}`,
    uniform: (random) => `v${Math.floor(random() * 500)}`,
    'all different': (_, position) => `v${position}`,
    'one that is half of all': (random, position) => (position % 2 === 0 ? 'half' : `v${random()}`),
    sorted: (_, position) => `v${Math.floor(position / 40)}`,
  }

  it.each(Object.keys(distributions))(
    'leave %s within the stated error, whatever the order',
    (what) => {
      const capacity = 20
      const { contract, topk } = topkOf(TEXT, 10, capacity)
      const random = seededRandom(2)
      for (let round = 0; round < 15; round++) {
        const make = distributions[what]!
        const rows = rowsOf(Array.from({ length: 2000 }, (_, at) => make(random, at).slice(0, 20)))
        const truth = new Map(oracle(rows, 0))
        const { bound } = topk.error as { bound: number }
        expect(bound).toBe(1 / (capacity + 1))

        const [state] = stateBySomeWay(topk, contract, rows, 1, random)

        const found = topk.finish(state) as unknown as Ranked[]
        for (const { value, count, error } of found) {
          const missing = truth.get(value as string)! - count
          expect(missing).toBeGreaterThanOrEqual(0)
          expect(missing).toBeLessThanOrEqual(error)
          expect(error).toBeLessThanOrEqual(rows.length * bound)
        }
        // Whatever is more frequent than the error can hide is in the state.
        const held = new Set(
          (topk.toStored(state) as unknown[]).slice(2).filter((_, at) => at % 2 === 0),
        )
        for (const [value, count] of truth) {
          if (count > rows.length * bound) expect(held).toContain(value)
        }
      }
    },
  )

  it('lose as little as makes room: what the first one that is left out has', () => {
    const { contract, topk } = topkOf(TEXT, 2, 2)
    const state = (text: string) => statesOf(topk, contract, rowsOf([...text]))[0]

    expect(topk.toStored(state('aaaaabbbcc'))).toEqual(['topk/1:2', 2, 'a', 3, 'b', 1])
    expect(topk.toStored(topk.merge(state('aaaaabb'), state('bccc')))).toEqual([
      'topk/1:2',
      3,
      'a',
      2,
    ])
    expect(topk.toStored(state('abc'))).toEqual(['topk/1:2', 1])
  })

  it('merge to the same, whichever of two comes first', () => {
    const { contract, topk } = topkOf(TEXT, 3, 5)
    const random = seededRandom(3)
    for (let round = 0; round < 50; round++) {
      const some = () =>
        statesOf(
          topk,
          contract,
          rowsOf(Array.from({ length: 40 }, () => `v${Math.floor(12 * random() ** 2)}`)),
        )[0]
      const [a, b] = [some(), some()]
      expect(storedText(topk, topk.merge(a, b))).toBe(storedText(topk, topk.merge(b, a)))
    }
  })

  it('take no more room than stated', () => {
    const { contract, topk } = topkOf(TEXT, 10, 50)
    const texts = Array.from(
      { length: 300 },
      (_, at) => '\u0001'.repeat(17) + String(at).padStart(3, '0'),
    )
    const [state] = statesOf(topk, contract, rowsOf([...texts, ...texts.slice(0, 50)]))

    expect((topk.toStored(state) as unknown[]).length).toBeLessThanOrEqual(102)
    expect(storedText(topk, state).length).toBeLessThanOrEqual(topk.maxStoredBytes)
    expect(throughStorage(topk, state)).toEqual(state)
  })
})

describe('a top', () => {
  it('shows values and counts, and how far they may be off', () => {
    const { contract, topk } = topkOf(TEXT, 2)
    const rows = rowsOf(['b', 'a', null, 'b', 'c', 'a', 'd'])

    expect(finished(topk, contract, rows)).toEqual([
      { value: 'a', count: 2, error: 0 },
      { value: 'b', count: 2, error: 0 },
    ])
    expect(finished(topk, contract, [])).toEqual([])
    expect(topk.resultType).toMatchObject({
      kind: 'list',
      element: {
        type: {
          kind: 'struct',
          fields: [
            { name: 'value', type: TEXT },
            { name: 'count', type: { kind: 'long' } },
            { name: 'error', type: { kind: 'long' } },
          ],
        },
      },
    })
  })

  it('of a thousand values many times over is counted as a map counts', () => {
    const { contract, topk } = topkOf(TEXT, 100, 1000)
    const random = seededRandom(4)
    const rows = rowsOf(Array.from({ length: 20_000 }, () => `v${Math.floor(random() * 1000)}`))

    const found = finished(topk, contract, shuffled(rows, random)) as unknown as Ranked[]

    expect(found.map(({ value, count }) => [value, count])).toEqual(oracle(rows, 0).slice(0, 100))
  })

  it('goes on from the states of an int that the contract made a long', () => {
    const [int, long] = [topkOf({ kind: 'int' }, 2), topkOf({ kind: 'long' }, 2)]
    const [before] = statesOf(int.topk, int.contract, rowsOf([7n, 7n]))
    const [after] = statesOf(long.topk, long.contract, rowsOf([7n, 2n ** 60n]))

    const state = long.topk.merge(long.topk.fromStored(int.topk.toStored(before)), after)

    expect(long.topk.finish(state)).toEqual([
      { value: new Decimal(7n, 0), count: 3, error: 0 },
      { value: new Decimal(2n ** 60n, 0), count: 1, error: 0 },
    ])
  })

  it('of another capacity, or damaged, is refused', () => {
    const { topk } = topkOf(TEXT, 2, 5)
    for (const stored of [
      ['topk/1:6', 0, 'a', 1],
      ['topk/1:5', 0, 'a'],
      ['topk/1:5', 0, 'a', -1],
      ['topk/1:5', 0, 3, 1],
      ['topk/1:5'],
    ]) {
      expect(() => topk.fromStored(stored)).toThrow(
        expect.objectContaining({ code: 'view.stateUnreadable' }),
      )
    }
  })
})
