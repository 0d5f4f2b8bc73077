import { describe, expect, it } from 'vitest'
import { type Column, utf8Column } from '#lib/domain/kernel/columns.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { dictionaryOf } from '#lib/domain/process/aggregates/dictionary.ts'

type Make = (random: Random, count: number) => Column

const pick = (random: Random, of: number) => Math.floor(random() * of)
const COLUMNS: Readonly<Record<string, Make>> = {
  'near integers': (random, n) => ({
    kind: 'int32',
    values: Int32Array.from({ length: n }, () => pick(random, 50) - 25),
  }),
  'integers far apart': (random, n) => ({
    kind: 'int32',
    values: Int32Array.from({ length: n }, () => (pick(random, 300) - 150) * 14_000_000),
  }),
  'near longs around 2^53': (random, n) => ({
    kind: 'int64',
    values: BigInt64Array.from({ length: n }, () => 2n ** 53n + BigInt(pick(random, 8) - 4)),
  }),
  'the longs just below 2^53': (random, n) => ({
    kind: 'int64',
    values: BigInt64Array.from({ length: n }, () => 2n ** 53n - 1n - BigInt(pick(random, 8))),
  }),
  'longs that differ in one word only': (random, n) => ({
    kind: 'int64',
    values: BigInt64Array.from({ length: n }, () =>
      BigInt.asIntN(64, BigInt(pick(random, 16)) << (random() < 0.5 ? 32n : 0n)),
    ),
  }),
  doubles: (random, n) => ({
    kind: 'float64',
    values: Float64Array.from({ length: n }, () => pick(random, 200) / 7 - 14),
  }),
  booleans: (random, n) => ({
    kind: 'boolean',
    values: Uint8Array.from({ length: n }, () => pick(random, 2)),
  }),
  'texts of which some begin like others': (random, n) =>
    utf8Column(Array.from({ length: n }, () => 'é\u0000abcabc'.slice(0, pick(random, 9)))),
  'many texts': (random, n) =>
    utf8Column(Array.from({ length: n }, () => `value ${pick(random, 5000)}`)),
}

/** A row's value as a text that no other value has. */
function textAt(column: Column, row: number): string {
  if (column.kind === 'utf8') {
    const { bytes, offsets } = column
    return Buffer.from(bytes.subarray(offsets[row], offsets[row + 1])).toString('hex')
  }
  return String((column as { values: ArrayLike<number | bigint> }).values[row])
}

describe.each(Object.entries(COLUMNS))('a dictionary of %s', (_what, make) => {
  it('numbers the distinct values as they first occur', () => {
    const random = seededRandom(1)
    for (const rows of [0, 1, 30, 5000]) {
      const column = make(random, rows)
      const groups = Int32Array.from({ length: rows }, () => pick(random, 3) - 1)
      const expected = new Map<string, number>()
      const firstRows: number[] = []
      const numbers = Array.from(groups, (group, row) => {
        if (group === -1) return 0
        const text = textAt(column, row)
        if (!expected.has(text)) {
          expected.set(text, firstRows.length)
          firstRows.push(row)
        }
        return expected.get(text)!
      })

      const dictionary = dictionaryOf(column, groups)

      expect([...dictionary.firstRows]).toEqual(firstRows)
      expect([...dictionary.numbers]).toEqual(numbers)
    }
  })
})

it('takes zeros of either sign for one value', () => {
  const column: Column = { kind: 'float64', values: Float64Array.of(0, -0, 1) }
  expect([...dictionaryOf(column, new Int32Array(3)).numbers]).toEqual([0, 0, 1])
})
