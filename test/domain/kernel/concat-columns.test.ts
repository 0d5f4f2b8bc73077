import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, takeRows, utf8Column } from '#lib/domain/kernel/columns.ts'
import { concatBatches } from '#lib/domain/kernel/concat-columns.ts'
import { valueAt } from '#test/support/columns.ts'

interface Row {
  readonly text: string | null
  readonly whole: number | null
  readonly large: bigint
  readonly tags: readonly string[] | null
}

/** Columns of every kind, with room for more rows than there are, as a builder may leave them. */
function batchOf(rows: readonly Row[], spare: number): ColumnBatch {
  const padded = [
    ...rows,
    ...Array<Row>(spare).fill({ text: 'no', whole: 9, large: 9n, tags: ['no'] }),
  ]
  const nullsOf = (name: keyof Row) =>
    padded.some((row) => row[name] === null)
      ? { nulls: Uint8Array.from(padded, (row) => Number(row[name] === null)) }
      : {}
  const whole: Column = {
    kind: 'int32',
    values: Int32Array.from(padded, (row) => row.whole ?? 0),
    ...nullsOf('whole'),
  }
  const offsets = new Int32Array(padded.length + 1)
  padded.forEach((row, at) => {
    offsets[at + 1] = offsets[at]! + (row.tags?.length ?? 0)
  })
  return {
    rows: rows.length,
    columns: new Map<string, Column>([
      ['text', utf8Column(padded.map((row) => row.text))],
      ['whole', whole],
      ['large', { kind: 'int64', values: BigInt64Array.from(padded, (row) => row.large) }],
      ['ratio', { kind: 'float64', values: Float64Array.from(padded, (row) => Number(row.large)) }],
      [
        'flag',
        { kind: 'boolean', values: Uint8Array.from(padded, (row) => Number(row.large & 1n)) },
      ],
      ['inner', { kind: 'struct', rows: padded.length, fields: new Map([['whole', whole]]) }],
      [
        'tags',
        {
          kind: 'list',
          offsets,
          elements: utf8Column(padded.flatMap((row) => row.tags ?? [])),
          ...nullsOf('tags'),
        },
      ],
    ]),
  }
}

const valuesOf = ({ columns, rows }: ColumnBatch) =>
  Array.from({ length: rows }, (_, row) =>
    [...columns.values()].map((column) => valueAt(column, row)),
  )

describe('batches one after another', () => {
  it('have the rows of each, in order, whatever room their columns have', () => {
    const row = fc.record({
      text: fc.option(fc.string({ unit: 'binary', maxLength: 5 })),
      whole: fc.option(fc.integer()),
      large: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      tags: fc.option(fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 })),
    })
    const batch = fc.tuple(fc.array(row, { maxLength: 6 }), fc.nat(3))

    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 5 }), (some) => {
        const batches = some.map(([rows, spare]) => batchOf(rows, spare))

        const all = concatBatches(batches)

        expect(valuesOf(all)).toEqual(batches.flatMap(valuesOf))
        const backwards = Array.from({ length: all.rows }, (_, at) => all.rows - 1 - at)
        expect(valuesOf(takeRows(all, backwards))).toEqual(valuesOf(all).reverse())
      }),
    )
  })

  it('are none without batches', () => {
    expect(concatBatches([])).toEqual({ rows: 0, columns: new Map() })
  })

  it('must have the same columns', () => {
    const one = batchOf([], 0)
    const other = { ...one, columns: new Map(one.columns).set('whole', utf8Column([])) }
    const less = { ...one, columns: new Map([...one.columns].slice(1)) }
    const mismatch = expect.objectContaining({ code: 'kernel.columnMismatch' })

    expect(() => concatBatches([one, other])).toThrow(mismatch)
    expect(() => concatBatches([one, less])).toThrow(mismatch)
  })
})
