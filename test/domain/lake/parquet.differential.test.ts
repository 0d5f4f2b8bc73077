import { type FileMetaData, parquetMetadata } from 'hyparquet'
import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { PrimitiveType, TableSchema } from '#lib/domain/lake/schema.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { randomTable, rowsOf } from '#test/support/random-tables.ts'
import { encodeParquet as encodeByObjects } from '#test/support/reference/parquet.ts'

const ROWS = [0, 1, 2, 7, 8, 9, 31, 32, 33, 63, 64, 65, 500, 1_000, 3_001]
const SEEDS = 14
const LONG = 'a long text'

describe('a file of the columns of a random table', () => {
  it.each(ROWS)(
    'is read as one that another library wrote value by value, %i rows',
    async (rows) => {
      for (let seed = 0; seed < SEEDS; seed++) {
        const { schema, batch } = randomTable(rows, seededRandom(1_000 * seed + rows, 31))

        await expectSameFile(schema, batch)
      }
    },
  )

  it.each([1, 3, 8, 100])('has the same rows and metrics in groups of %i', async (rowsPerGroup) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const rows = 3 * rowsPerGroup + (seed % 3)
      const { schema, batch } = randomTable(rows, seededRandom(seed, 32 + rowsPerGroup))

      const grouped = encodeParquet(schema, batch, { rowsPerGroup })
      const whole = encodeParquet(schema, batch)

      const { row_groups: groups } = parquetMetadata(grouped.bytes)
      expect(groups).toHaveLength(Math.ceil(rows / rowsPerGroup))
      expect(await decoded(schema, grouped.bytes)).toEqual(rowsOf(batch))
      const { columnSizes: _sizes, splitOffsets, ...metrics } = grouped.metrics
      expect(whole.metrics).toMatchObject(metrics)
      expect(splitOffsets).toEqual(groups.map(({ file_offset }) => Number(file_offset)))
    }
  })

  it('also of many and large values, over pages, with dictionaries of any width', async () => {
    const rows = 150_000
    const random = seededRandom(5)
    const below = (most: number) => Array.from({ length: rows }, () => Math.floor(random() * most))
    const long = (values: readonly number[]): Column => ({
      kind: 'int64',
      values: BigInt64Array.from(values, (value) => BigInt(value) * 2_654_435_761n),
    })
    const columns: Record<string, [PrimitiveType, Column]> = {
      few: ['long', long(below(3))],
      some: ['long', long(below(300))],
      many: ['long', long(below(48_000))],
      unique: ['long', long(below(2 ** 40))],
      close: ['int', { kind: 'int32', values: Int32Array.from(below(45_000)) }],
      text: ['string', utf8Column(below(40_000).map((n) => `value number ${n}`))],
      id: ['string', utf8Column(below(2 ** 40).map((n, row) => `${n}-${row}`))],
    }
    const entries = Object.entries(columns)
    const schema: TableSchema = {
      fields: entries.map(([name, [type]], i) => ({ id: i + 1, name, required: true, type })),
    }
    const batch = { rows, columns: new Map(entries.map(([name, [, column]]) => [name, column])) }

    await expectSameFile(schema, batch)
  }, 120_000)

  it('also of texts that are longer than a page, and of bytes that are no text', async () => {
    const schema: TableSchema = {
      fields: [{ id: 1, name: 's', required: false, type: 'string' }],
    }
    const bytes = [
      Buffer.alloc(1_500_000, 'long'),
      Buffer.of(0xff, 0xfe),
      Buffer.from('\ud800'),
      Buffer.of(0xed, 0xa0, 0x80),
      Buffer.alloc(1_100_000, 0x80),
      Buffer.alloc(0),
    ]
    const offsets = new Int32Array(bytes.length + 1)
    for (const [row, { length }] of bytes.entries()) offsets[row + 1] = offsets[row]! + length
    const column: Column = { kind: 'utf8', bytes: Buffer.concat(bytes), offsets }
    const batch = { rows: bytes.length, columns: new Map([['s', column]]) }

    const encoded = encodeParquet(schema, batch)

    expect(await decoded(schema, encoded.bytes)).toEqual(rowsOf(batch))
    expect(encoded.metrics.upperBounds).toEqual({ 1: Buffer.of(0xff, 0xfe).toString('base64') })
  })
})

async function expectSameFile(schema: TableSchema, batch: ColumnBatch): Promise<void> {
  const ours = encodeParquet(schema, batch)
  const theirs = encodeByObjects(schema, batch)
  const rows = await decoded(schema, ours.bytes)
  // The other library takes +0 and −0 for the same value.
  expect(rows).toEqual(rowsOf(batch))
  expect(withoutSigns(await decoded(schema, theirs.bytes))).toEqual(withoutSigns(rows))
  expect(described(ours.bytes)).toEqual(described(theirs.bytes))
  const { columnSizes, splitOffsets, ...metrics } = ours.metrics
  expect(theirs.metrics).toMatchObject(metrics)
  expect(Object.keys(columnSizes)).toEqual(Object.keys(theirs.metrics.columnSizes))
  expect(splitOffsets).toEqual(batch.rows === 0 ? [] : [4])
}

async function decoded(schema: TableSchema, bytes: Uint8Array): Promise<readonly unknown[]> {
  return rowsOf(
    await decodeParquet(
      bytes,
      schema.fields.map(({ name }) => name),
    ),
  )
}

function withoutSigns(rows: unknown): unknown {
  if (Array.isArray(rows)) return rows.map(withoutSigns)
  return rows === 0 ? 0 : rows
}

/** What a file says of itself, but for where and how its pages stand. */
function described(file: Uint8Array) {
  const { schema, num_rows, created_by, row_groups } = parquetMetadata(file)
  const columns = row_groups.flatMap((group: FileMetaData['row_groups'][number]) =>
    group.columns.map(({ meta_data }) => {
      const { type, path_in_schema, num_values, statistics } = meta_data!
      const { min_value: min, max_value: max, null_count } = statistics!
      const bounds = { min: shortened(min), max: min === undefined ? undefined : shortened(max) }
      return { type, path_in_schema, num_values, null_count, ...bounds }
    }),
  )
  return { schema, num_rows, created_by, columns }
}

/** Only we cut long texts off, or leave them out where nothing short is greater. */
function shortened(bound: unknown): unknown {
  if (bound === undefined) return LONG
  return typeof bound === 'string' && [...bound].length >= 64 ? LONG : bound
}
