import { expect, it } from 'vitest'
import type { Column } from '#lib/domain/kernel/columns.ts'
import { utf8Column } from '#lib/domain/kernel/columns.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { KeyDictionary, NO_KEY } from '#lib/domain/process/key-dictionary.ts'

const BATCHES = 6
const ROWS = 2_000

const random = seededRandom(7)
const numbers = Array.from({ length: BATCHES * ROWS }, () =>
  random() < 0.05 ? null : Math.floor(random() ** 2 * 3_000) - 500,
)

const cases: readonly [
  string,
  number,
  (values: readonly (number | null)[]) => Column,
  (value: number) => string,
][] = [
  ['texts', 0, (values) => utf8Column(values.map(textOf)), (value) => textOf(value)!],
  ['longs', 0, longs, (value) => String(BigInt(value) * 2n ** 33n)],
  ['decimals', 2, longs, (value) => decimalText(BigInt(value) * 2n ** 33n)],
  ['ints', 0, ints, String],
  ['booleans', 0, booleans, (value) => String(value > 0)],
]

it.each(cases)('%s have one code in all batches, and their text', (_, scale, columnOf, keyOf) => {
  const keys = new KeyDictionary(scale)
  const codeOf = new Map<string, number>()
  for (let batch = 0; batch < BATCHES; batch++) {
    const values = numbers.slice(batch * ROWS, (batch + 1) * ROWS)

    const codes = keys.codesOf(columnOf(values), ROWS)

    for (const [row, value] of values.entries()) {
      if (value === null) {
        expect(codes[row]).toBe(NO_KEY)
        continue
      }
      const key = keyOf(value)
      // In the order of first occurrence.
      if (!codeOf.has(key)) codeOf.set(key, codeOf.size)
      expect(codes[row]).toBe(codeOf.get(key))
    }
  }
  expect(keys.count).toBe(codeOf.size)
  expect([...codeOf.keys()].map((_key, code) => keys.text(code))).toEqual([...codeOf.keys()])
})

it('texts that differ in their last byte or their length only are different keys', () => {
  const texts = [
    '',
    'a',
    'aa',
    'aaa',
    'aaaa',
    'aaab',
    'aaaaa',
    'aaaab',
    'ä',
    'äa',
    '\u0000',
    '\u0000\u0000',
  ]

  expect([...new KeyDictionary().codesOf(utf8Column(texts), texts.length)]).toEqual(
    texts.map((_, at) => at),
  )
})

it('a nested column cannot be a key', () => {
  const column: Column = { kind: 'struct', rows: 1, fields: new Map() }

  expect(() => new KeyDictionary().codesOf(column, 1)).toThrow('a struct cannot be a key')
})

function textOf(value: number | null): string | null {
  return value === null ? null : `ü${'x'.repeat(Math.abs(value) % 7)}${value}`
}

function decimalText(unscaled: bigint): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(3, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

function nullsOf(values: readonly (number | null)[]): { readonly nulls: Uint8Array } {
  return { nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)) }
}

function longs(values: readonly (number | null)[]): Column {
  const wide = BigInt64Array.from(values, (value) => BigInt(value ?? 0) * 2n ** 33n)
  return { kind: 'int64', values: wide, ...nullsOf(values) }
}

function ints(values: readonly (number | null)[]): Column {
  return {
    kind: 'int32',
    values: Int32Array.from(values, (value) => value ?? 0),
    ...nullsOf(values),
  }
}

function booleans(values: readonly (number | null)[]): Column {
  const bits = Uint8Array.from(values, (value) => ((value ?? 0) > 0 ? 1 : 0))
  return { kind: 'boolean', values: bits, ...nullsOf(values) }
}
