import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Column,
  type ColumnBatch,
  isNull,
  utf8At,
  utf8Column,
} from '#lib/domain/kernel/columns.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import {
  allFields,
  childrenOf,
  type IcebergType,
  type TableField,
  type TableSchema,
} from '#lib/domain/lake/schema.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import {
  askParquetReaders,
  type PrunedFile,
  type ReadField,
  type ReadFile,
} from '#test/support/parquet-readers.ts'
import { randomTable } from '#test/support/random-tables.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'weir-parquet-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('pyarrow and DuckDB', () => {
  it('read from files of random tables what was written: values, schema, ids, statistics', async () => {
    const tables = [0, 1, 2, 9, 64, 65, 500, 3_000].flatMap((rows, at) =>
      Array.from({ length: 8 }, (_, seed) => {
        const rowsPerGroup = [1 << 18, 700, 64][seed % 3]!
        const table = randomTable(rows, seededRandom(seed, 40 + at))
        return { ...table, rowsPerGroup, path: join(folder, `${rows}-${seed}.parquet`) }
      }),
    )
    for (const { schema, batch, rowsPerGroup, path } of tables) {
      writeFileSync(path, encodeParquet(schema, batch, { rowsPerGroup }).bytes)
    }

    const answers = await askParquetReaders<ReadFile[]>(
      tables.map(({ path }) => ({ do: 'read', path })),
    )

    for (const [at, { schema, batch, rowsPerGroup }] of tables.entries()) {
      const { pyarrow, duckdb, ...file } = answers[at]!
      const rows = exactRows(batch)
      expect(pyarrow).toEqual(rows)
      expect(duckdb).toEqual(rows)
      expect(file).toEqual({
        schema: schema.fields.map(asRead),
        groups: Math.ceil(batch.rows / rowsPerGroup),
        wrongStatistics: [],
        duckdbIds: allFields(schema.fields).map(({ name, id }) => [name, id]),
      })
    }
  })

  it.each([
    ['n', '61007', 'n = 61007'],
    ['t', '2026-01-01T00:01:01.007+00:00', "t = TIMESTAMPTZ '2026-01-01 00:01:01.007Z'"],
    ['s', 'key number 061007', "s = 'key number 061007'"],
    ['money', '610.07', 'money = 610.07'],
    ['x', '7625.875', 'x = 7625.875'],
  ])(
    'do not open row groups whose statistics exclude a value of %s',
    async (column, value, where) => {
      const rows = 100_000
      const path = join(folder, `pruned-${column}.parquet`)
      const { bytes } = encodeParquet(SORTED, sorted(rows), { rowsPerGroup: 10_000 })
      writeFileSync(path, bytes)

      const [answer] = await askParquetReaders<[PrunedFile]>([
        { do: 'pruned', path, where, column, value },
      ])

      expect(answer).toEqual({
        groups: 10,
        kept: [6],
        pyarrow: 1,
        duckdb: 1,
        pyarrowNeedsAll: true,
        duckdbNeedsAll: true,
      })
    },
  )
})

const SORTED: TableSchema = {
  fields: [
    { id: 1, name: 'n', required: true, type: 'int' },
    { id: 2, name: 't', required: true, type: 'timestamptz' },
    { id: 3, name: 's', required: true, type: 'string' },
    { id: 4, name: 'money', required: false, type: 'decimal(9, 2)' },
    { id: 5, name: 'x', required: false, type: 'double' },
  ],
}

/** Row n has n in every column, as its type has it; some have NaN beside. */
function sorted(rows: number): ColumnBatch {
  const numbers = Array.from({ length: rows }, (_, n) => n)
  const NEW_YEAR_2026 = 1_767_225_600_000_000n
  return {
    rows,
    columns: new Map<string, Column>([
      ['n', { kind: 'int32', values: Int32Array.from(numbers) }],
      [
        't',
        {
          kind: 'int64',
          values: BigInt64Array.from(numbers, (n) => NEW_YEAR_2026 + 1_000n * BigInt(n)),
        },
      ],
      ['s', utf8Column(numbers.map((n) => `key number ${String(n).padStart(6, '0')}`))],
      ['money', { kind: 'int64', values: BigInt64Array.from(numbers, BigInt) }],
      [
        'x',
        {
          kind: 'float64',
          values: Float64Array.from(numbers, (n) => (n % 10 === 0 ? Number.NaN : n / 8)),
        },
      ],
    ]),
  }
}

function asRead(field: TableField): ReadField {
  const { name, id, type, required } = field
  return [name, id, typeAsRead(type), !required, childrenOf(type).map(asRead)]
}

function typeAsRead(type: IcebergType): string {
  if (typeof type !== 'string') return type.type
  const names: Readonly<Record<string, string>> = {
    int: 'int32',
    long: 'int64',
    boolean: 'bool',
    date: 'date32[day]',
    timestamptz: 'timestamp[us, tz=UTC]',
  }
  return names[type] ?? type.replace('decimal', 'decimal128')
}

/** Rows as text that says all: doubles as their bits, integers as digits. */
function exactRows({ rows, columns }: ColumnBatch): readonly unknown[] {
  return Array.from({ length: rows }, (_, row) =>
    [...columns.values()].map((column) => exactAt(column, row)),
  )
}

function exactAt(column: Column, row: number): unknown {
  if (isNull(column, row)) return null
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'boolean':
      return column.values[row] === 1
    case 'float64': {
      const value = column.values[row]!
      const bits = Buffer.alloc(8)
      bits.writeDoubleBE(value)
      return Number.isNaN(value) ? 'nan' : bits.toString('hex')
    }
    case 'struct':
      return [...column.fields.values()].map((field) => exactAt(field, row))
    case 'list': {
      const [start, end] = [column.offsets[row]!, column.offsets[row + 1]!]
      return Array.from({ length: end - start }, (_, i) => exactAt(column.elements, start + i))
    }
    default:
      return String(column.values[row])
  }
}
