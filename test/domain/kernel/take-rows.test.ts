import { expect, it } from 'vitest'
import { type Column, type ColumnBatch, takeRows, utf8Column } from '#lib/domain/kernel/columns.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { takeRows as oneByOne } from '#test/support/reference/take-rows.ts'

const ROWS = 400

/** A column of every flat kind, some rows without a value, texts of nothing to a hundred letters. */
function batchOf(seed: number): ColumnBatch {
  const random = seededRandom(seed)
  const nulls = () => Uint8Array.from({ length: ROWS }, () => (random() < 0.1 ? 1 : 0))
  const whole = () => Math.floor((random() - 0.5) * 2 ** 32)
  const texts = Array.from({ length: ROWS }, () =>
    random() < 0.1 ? null : 'é'.repeat(Math.floor(random() * 50)),
  )
  const columns: [string, Column][] = [
    ['int', { kind: 'int32', values: Int32Array.from({ length: ROWS }, whole), nulls: nulls() }],
    [
      'long',
      {
        kind: 'int64',
        values: BigInt64Array.from({ length: ROWS }, () => BigInt(whole()) * 2n ** 31n),
      },
    ],
    ['double', { kind: 'float64', values: Float64Array.from({ length: ROWS }, random) }],
    ['flag', { kind: 'boolean', values: nulls(), nulls: nulls() }],
    ['text', utf8Column(texts)],
  ]
  return { rows: ROWS, columns: new Map(columns) }
}

it.each([0, 0.01, 0.2, 0.9, 1])(
  'rows of which a share of %d is left out are the same as taken one by one',
  (share) => {
    const batch = batchOf(7)
    const random = seededRandom(Math.round(100 * share))
    const rows = Array.from({ length: ROWS }, (_, row) => row).filter(() => random() >= share)

    expect(takeRows(batch, rows)).toEqual(oneByOne(batch, rows))
  },
)

it('rows may be in any order and come more than once', () => {
  const batch = batchOf(8)
  const rows = [5, 4, 5, 6, 6, 399, 0, ...Array.from({ length: 40 }, (_, at) => 100 + at), 139, 7]

  expect(takeRows(batch, rows)).toEqual(oneByOne(batch, rows))
})
