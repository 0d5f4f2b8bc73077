import { parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, takeRows, utf8Column } from '#lib/domain/kernel/columns.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { TRIPS, trips } from './lake-fixture.ts'

const ALL: TableSchema = {
  fields: [
    { id: 1, name: 'i', required: false, type: 'int' },
    { id: 2, name: 'l', required: false, type: 'long' },
    { id: 3, name: 'd', required: false, type: 'double' },
    { id: 4, name: 'b', required: false, type: 'boolean' },
    { id: 5, name: 's', required: false, type: 'string' },
    { id: 6, name: 'day', required: false, type: 'date' },
    { id: 7, name: 't', required: false, type: 'timestamptz' },
    { id: 8, name: 'small', required: false, type: 'decimal(9, 2)' },
    { id: 9, name: 'big', required: false, type: 'decimal(18, 6)' },
  ],
}
const NAMES = ALL.fields.map(({ name }) => name)
const MIN = -(2n ** 63n)
const MAX = 2n ** 63n - 1n

/** Extremes of every type; the third row has no value. */
function extremes(): ColumnBatch {
  const nulls = Uint8Array.of(0, 0, 1, 0)
  return {
    rows: 4,
    columns: new Map<string, Column>([
      ['i', { kind: 'int32', values: Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, 0), nulls }],
      ['l', { kind: 'int64', values: BigInt64Array.of(MIN, MAX, 0n, -1n), nulls }],
      ['d', { kind: 'float64', values: Float64Array.of(-0, Number.NaN, 0, 1e308), nulls }],
      ['b', { kind: 'boolean', values: Uint8Array.of(1, 0, 0, 1), nulls }],
      ['s', utf8Column(['', '🚕 naïve', null, '\uffff'])],
      ['day', { kind: 'int32', values: Int32Array.of(-719162, 2932896, 0, 0), nulls }],
      [
        't',
        { kind: 'int64', values: BigInt64Array.of(MIN, 1_546_300_800_000_001n, 0n, MAX), nulls },
      ],
      [
        'small',
        { kind: 'int64', values: BigInt64Array.of(-999_999_999n, 999_999_999n, 0n, 1n), nulls },
      ],
      [
        'big',
        {
          kind: 'int64',
          values: BigInt64Array.of(-(10n ** 18n - 1n), 10n ** 18n - 1n, 0n, 1n),
          nulls,
        },
      ],
    ]),
  }
}

describe('a batch that goes through Parquet', () => {
  it('comes back exactly: extremes, nulls, signed zero, NaN, microseconds, decimals', async () => {
    const batch = extremes()

    const { bytes } = encodeParquet(ALL, batch)

    expect(await decodeParquet(bytes, NAMES)).toEqual(batch)
  })

  it('comes back exactly with no nulls, with dictionaries, and over many pages', async () => {
    const rows = 150_000
    const batch: ColumnBatch = {
      rows,
      columns: new Map<string, Column>([
        ['trip_id', utf8Column(Array.from({ length: rows }, (_, row) => `trip-${row}`))],
        [
          'dropoff_at',
          {
            kind: 'int64',
            values: BigInt64Array.from({ length: rows }, (_, row) => BigInt(row) * 61_000_001n),
          },
        ],
        [
          'fare',
          {
            kind: 'int64',
            values: BigInt64Array.from({ length: rows }, (_, row) => BigInt(row % 50)),
          },
        ],
      ]),
    }

    const { bytes, metrics } = encodeParquet(TRIPS, batch)
    const back = await decodeParquet(bytes, ['trip_id', 'dropoff_at', 'fare'])

    expect(back.rows).toBe(rows)
    for (const name of ['trip_id', 'dropoff_at', 'fare']) {
      expect(sameColumn(back.columns.get(name)!, batch.columns.get(name)!), name).toBe(true)
    }
    expect(metrics.splitOffsets).toEqual([4])
    expect(parquetMetadata(bytes).row_groups).toHaveLength(1)
  })

  it('gives only the columns that were asked for, in that order', async () => {
    const { bytes } = encodeParquet(ALL, extremes())

    const { columns } = await decodeParquet(bytes, ['big', 's'])

    expect([...columns.keys()]).toEqual(['big', 's'])
    await expect(decodeParquet(bytes, ['nowhere'])).rejects.toMatchObject({
      code: 'lake.unknownColumn',
    })
  })

  it('may be empty, or all null', async () => {
    const none = takeRows(extremes(), [])
    const nulls = takeRows(extremes(), [2, 2])

    expect(await decodeParquet(encodeParquet(ALL, none).bytes, NAMES)).toEqual(none)
    expect(await decodeParquet(encodeParquet(ALL, nulls).bytes, NAMES)).toEqual(nulls)
  })

  it('has the same bytes each time', () => {
    const once = encodeParquet(TRIPS, trips('a', 500))
    const twice = encodeParquet(TRIPS, trips('a', 500))

    expect(Buffer.compare(once.bytes, twice.bytes)).toBe(0)
    expect(once.metrics).toEqual(twice.metrics)
  })

  it('carries the field ids, one row group and zstd, which Iceberg readers go by', () => {
    const { bytes } = encodeParquet(ALL, extremes())

    const { schema, row_groups } = parquetMetadata(bytes)

    expect(schema.slice(1).map(({ field_id }) => field_id)).toEqual(ALL.fields.map(({ id }) => id))
    expect(row_groups).toHaveLength(1)
    expect(new Set(row_groups[0]!.columns.map(({ meta_data }) => meta_data!.codec))).toEqual(
      new Set(['ZSTD']),
    )
  })
})

describe('what a batch must be', () => {
  it('a required column has no nulls', () => {
    const batch = trips('a', 2)
    batch.columns.get('trip_id')
    const holed = new Map(batch.columns).set('trip_id', utf8Column(['x', null]))

    expect(() => encodeParquet(TRIPS, { rows: 2, columns: holed })).toThrow(
      expect.objectContaining({ code: 'lake.missingValue' }),
    )
  })

  it('each column is there, of its kind, and long enough', () => {
    const batch = trips('a', 2)
    const without = new Map(batch.columns)
    without.delete('fare')
    const wrong = new Map(batch.columns).set('fare', { kind: 'int32', values: new Int32Array(2) })
    const mismatch = expect.objectContaining({ code: 'lake.columnMismatch' })

    expect(() => encodeParquet(TRIPS, { rows: 2, columns: without })).toThrow(mismatch)
    expect(() => encodeParquet(TRIPS, { rows: 2, columns: wrong })).toThrow(mismatch)
    expect(() => encodeParquet(TRIPS, { rows: 3, columns: batch.columns })).toThrow(mismatch)
  })
})

describe('metrics', () => {
  it('count nulls and NaNs apart and bound the rest', () => {
    const { metrics } = encodeParquet(ALL, extremes())

    expect(metrics.recordCount).toBe(4)
    expect(metrics.valueCounts['3']).toBe(4)
    expect(metrics.nullCounts['3']).toBe(1)
    expect(metrics.nanCounts).toEqual({ 3: 1 })
    expect(hex(metrics.lowerBounds['1']!)).toBe('00000080')
    expect(hex(metrics.upperBounds['2']!)).toBe('ffffffffffffff7f')
    expect(hex(metrics.lowerBounds['3']!)).toBe('0000000000000080')
    expect(hex(metrics.upperBounds['4']!)).toBe('01')
    expect(text(metrics.lowerBounds['5']!)).toBe('')
    // The taxi sorts after U+FFFF in UTF-8, and before it in JavaScript's order.
    expect(text(metrics.upperBounds['5']!)).toBe('🚕 naïve')
    expect(hex(metrics.lowerBounds['6']!)).toBe(int32(-719162))
    expect(hex(metrics.upperBounds['6']!)).toBe(int32(2932896))
    expect(hex(metrics.lowerBounds['7']!)).toBe('0000000000000080')
    expect(hex(metrics.upperBounds['7']!)).toBe('ffffffffffffff7f')
    expect(hex(metrics.lowerBounds['8']!)).toBe('c4653601')
    expect(hex(metrics.upperBounds['9']!)).toBe('0de0b6b3a763ffff')
  })

  it('bound long strings by sixteen characters, above by one that is larger', () => {
    const schema: TableSchema = { fields: [{ id: 5, name: 's', required: true, type: 'string' }] }
    const values = ['🚕'.repeat(40), 'b'.repeat(40), `a${'ü'.repeat(40)}`]

    const { metrics } = encodeParquet(schema, {
      rows: 3,
      columns: new Map([['s', utf8Column(values)]]),
    })

    expect(text(metrics.lowerBounds['5']!)).toBe(`a${'ü'.repeat(15)}`)
    expect(text(metrics.upperBounds['5']!)).toBe(`${'🚕'.repeat(15)}🚖`)
  })

  it('give both zeros as bounds of a column of either', () => {
    const schema: TableSchema = { fields: [{ id: 3, name: 'd', required: true, type: 'double' }] }
    for (const zero of [0, -0]) {
      const columns = new Map<string, Column>([
        ['d', { kind: 'float64', values: Float64Array.of(zero) }],
      ])

      const { metrics } = encodeParquet(schema, { rows: 1, columns })

      expect(hex(metrics.lowerBounds['3']!)).toBe('0000000000000080')
      expect(hex(metrics.upperBounds['3']!)).toBe('0000000000000000')
    }
  })

  it('give no bounds where there is nothing to bound: all null, or all NaN', () => {
    const schema: TableSchema = { fields: [{ id: 3, name: 'd', required: false, type: 'double' }] }
    const of = (column: Column) =>
      encodeParquet(schema, { rows: 1, columns: new Map([['d', column]]) }).metrics

    const nan = of({ kind: 'float64', values: Float64Array.of(Number.NaN) })
    const none = of({ kind: 'float64', values: new Float64Array(1), nulls: Uint8Array.of(1) })

    expect([nan.lowerBounds, none.lowerBounds]).toEqual([{}, {}])
    expect([nan.nanCounts, none.nanCounts]).toEqual([{ 3: 1 }, { 3: 0 }])
  })
})

const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex')
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes.toString('hex')
}
const text = (base64: string) => Buffer.from(base64, 'base64').toString('utf8')

function sameColumn(left: Column, right: Column): boolean {
  if (left.kind === 'utf8' && right.kind === 'utf8') {
    return sameBytes(left.bytes, right.bytes) && sameBytes(left.offsets, right.offsets)
  }
  if (!('values' in left && 'values' in right)) return false
  return left.kind === right.kind && sameBytes(left.values, right.values)
}

function sameBytes(left: ArrayBufferView, right: ArrayBufferView): boolean {
  const bytes = (view: ArrayBufferView) =>
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  return Buffer.compare(bytes(left), bytes(right)) === 0
}
