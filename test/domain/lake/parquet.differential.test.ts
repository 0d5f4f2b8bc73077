import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { PrimitiveType, TableSchema } from '#lib/domain/lake/schema.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { encodeParquet as encodeByObjects } from '#test/support/reference/parquet.ts'

const TYPES: readonly PrimitiveType[] = [
  'int',
  'long',
  'double',
  'boolean',
  'string',
  'date',
  'timestamptz',
  'decimal(9, 2)',
  'decimal(18, 6)',
]

/** A value of a type, one of so many. */
function valueNumber(type: PrimitiveType, which: number): number | bigint | string {
  const sign = which % 2 === 0 ? 1 : -1
  switch (type) {
    case 'double':
      return which === 0 ? Number.NaN : (sign * which) / 8
    case 'boolean':
      return which % 2
    case 'string':
      return `${'é'.repeat(which % 7)}${Math.imul(which, 0x9e3779b1)}`
    case 'int':
    case 'date':
      return sign * which * 1_001
    case 'decimal(9, 2)':
      return BigInt(sign * (which % 999_999_999))
    default:
      return BigInt(sign * which) * 5_000_000_019n
  }
}

/** A column of so many different values at most. */
function columnOf(
  type: PrimitiveType,
  rows: number,
  different: number,
  nullRate: number,
  random: Random,
): Column {
  const values = Array.from({ length: rows }, () =>
    random() < nullRate ? null : valueNumber(type, Math.floor(random() * different)),
  )
  const nulls = values.includes(null)
    ? { nulls: Uint8Array.from(values, (value) => (value === null ? 1 : 0)) }
    : {}
  switch (type) {
    case 'string':
      return utf8Column(values as (string | null)[])
    case 'boolean':
      return { kind: 'boolean', values: Uint8Array.from(values, Number), ...nulls }
    case 'double':
      return { kind: 'float64', values: Float64Array.from(values, Number), ...nulls }
    case 'int':
    case 'date':
      return { kind: 'int32', values: Int32Array.from(values, Number), ...nulls }
    default:
      return {
        kind: 'int64',
        values: BigInt64Array.from(values, (value) => (value as bigint | null) ?? 0n),
        ...nulls,
      }
  }
}

function batchOf(seed: number, rows: number): { schema: TableSchema; batch: ColumnBatch } {
  const random = seededRandom(seed, 31)
  const columns = new Map<string, Column>()
  const fields = TYPES.map((type, i) => {
    const different = [1, 2, 3, 17, rows, 100 * rows][Math.floor(random() * 6)]!
    const nullRate = [0, 0, 0.1, 0.9, 1][Math.floor(random() * 5)]!
    columns.set(`c${i}`, columnOf(type, rows, different, nullRate, random))
    return { id: i + 1, name: `c${i}`, required: false, type }
  })
  const required = { id: 20, name: 'required', required: true, type: 'long' } as const
  columns.set('required', columnOf('long', rows, 1 + Math.floor(random() * 2 * rows), 0, random))
  return { schema: { fields: [...fields, required] }, batch: { rows, columns } }
}

describe('a file written from typed arrays', () => {
  it.each([1, 2, 7, 8, 9, 63, 64, 500, 1_000, 1_001, 3_000, 7_777])(
    'has the bytes and the metrics of one written value by value, %i rows',
    (rows) => {
      for (let seed = 0; seed < 12; seed++) {
        const { schema, batch } = batchOf(1_000 * seed + rows, rows)

        expect(sameFile(schema, batch)).toBe(true)
      }
    },
  )

  it('also over many pages', () => {
    for (let seed = 0; seed < 2; seed++) {
      const { schema, batch } = batchOf(seed, 150_000)

      expect(sameFile(schema, batch)).toBe(true)
    }
  }, 120_000)

  it('keeps the sign of zero in a column of few values, which one written value by value lost', async () => {
    const values = Float64Array.from({ length: 400 }, (_, row) => [0, -0, 1.5][row % 3]!)
    const schema: TableSchema = {
      fields: [{ id: 1, name: 'd', required: true, type: 'double' }],
    }
    const { bytes } = encodeParquet(schema, {
      rows: values.length,
      columns: new Map([['d', { kind: 'float64', values }]]),
    })

    const { columns } = await decodeParquet(bytes, ['d'])

    expect(columns.get('d')).toEqual({ kind: 'float64', values })
  })
})

function sameFile(schema: TableSchema, batch: ColumnBatch): boolean {
  const ours = encodeParquet(schema, batch)
  const theirs = encodeByObjects(schema, batch)
  return (
    Buffer.compare(ours.bytes, theirs.bytes) === 0 &&
    JSON.stringify(ours.metrics) === JSON.stringify(theirs.metrics)
  )
}
