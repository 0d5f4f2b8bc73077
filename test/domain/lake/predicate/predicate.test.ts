import { describe, expect, it } from 'vitest'
import { type Column, utf8Column } from '#lib/domain/kernel/columns.ts'
import { dataFile } from '#lib/domain/lake/data-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import { fileMatch } from '#lib/domain/lake/predicate/files-that-match.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import { rowsThatMatch } from '#lib/domain/lake/predicate/rows-that-match.ts'
import type { PartitionField, TableSchema } from '#lib/domain/lake/schema.ts'
import type { Transform } from '#lib/domain/lake/transform.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'city', required: false, type: 'string' },
    { id: 2, name: 'fare', required: false, type: 'decimal(9, 2)' },
    { id: 3, name: 'at', required: false, type: 'timestamptz' },
    { id: 4, name: 'day', required: false, type: 'date' },
    { id: 5, name: 'count', required: false, type: 'int' },
    { id: 6, name: 'ratio', required: false, type: 'double' },
    { id: 7, name: 'paid', required: false, type: 'boolean' },
    {
      id: 8,
      name: 'tags',
      required: false,
      type: { type: 'list', 'element-id': 9, element: 'string', 'element-required': false },
    },
  ],
}

const parsed = (text: string) => parsePredicate(text, SCHEMA)

describe('a condition', () => {
  it('is read as SQL is', () => {
    expect(parsed("city = 'x' and fare > 10 or not (paid = true)")).toEqual({
      kind: 'or',
      of: [
        {
          kind: 'and',
          of: [
            { kind: 'compare', column: 'city', op: '=', value: 'x' },
            { kind: 'compare', column: 'fare', op: '>', value: 1000n },
          ],
        },
        { kind: 'not', of: { kind: 'compare', column: 'paid', op: '=', value: true } },
      ],
    })
    expect(parsed("CITY NOT IN ('it''s', 'ü')")).toEqual({
      kind: 'not',
      of: { kind: 'in', column: 'city', values: ["it's", 'ü'] },
    })
    expect(parsed('"fare" between -1.5 and 2')).toEqual({
      kind: 'and',
      of: [
        { kind: 'compare', column: 'fare', op: '>=', value: -150n },
        { kind: 'compare', column: 'fare', op: '<=', value: 200n },
      ],
    })
    expect(parsed("day <> date '1970-01-02'")).toMatchObject({ op: '!=', value: 1 })
    expect(parsed("at >= timestamp '1970-01-01T01:00:00+01:00'")).toMatchObject({ value: 0n })
    expect(parsed("at < '1969-12-31T23:59:59.999999Z'")).toMatchObject({ value: -1n })
    expect(parsed('count is not null')).toEqual({
      kind: 'not',
      of: { kind: 'isNull', column: 'count' },
    })
    expect(parsed('ratio=1e-3')).toMatchObject({ value: 0.001 })
  })

  it.each([
    ['nobody = 1', 'there is no column nobody; there are city, fare'],
    ['tags is null', 'column tags is a list<string>'],
    ['fare = 1.005', '1.005 is no decimal(9, 2) for column fare'],
    ['count = 2147483648', '2147483648 is no int'],
    ['count = 1.5', '1.5 is no int'],
    ['city = 5', "city is text: write '5' in single quotes"],
    ["at = '2026-01-01'", '2026-01-01 is no time'],
    ["day = '2026-02-30'", '2026-02-30 is no date'],
    ['city = null', 'expected a value: write is null at character 8, found null'],
    ["city = 'x' city", 'expected and, or, or the end at character 12'],
    ["city = 'x", "cannot read the condition at character 7: 'x"],
    ['city in ()', 'expected a value at character 10'],
    ['(city is null', 'the condition ends where ) should be'],
    ['', 'the condition ends where a column should be'],
    ['city = city', 'expected a value'],
    [`${'('.repeat(200)}paid = true`, 'nested too deeply'],
    [`city = '${'x'.repeat(10_000)}'`, 'at most 10000 characters'],
  ])('that makes no sense says where: %s', (text, message) => {
    expect(() => parsed(text)).toThrow(
      expect.objectContaining({
        code: 'lake.badPredicate',
        message: expect.stringContaining(message),
      }),
    )
  })
})

/** Rows of one column. */
function batchOf(name: string, column: Column, rows: number) {
  const { fields } = SCHEMA
  const schema = { fields: fields.filter((one) => one.name === name) }
  return { schema, batch: { rows, columns: new Map([[name, column]]) } }
}

const CITIES = batchOf('city', utf8Column(['a', null, 'b', 'ﬀ', '😀']), 5)
const RATIOS = batchOf(
  'ratio',
  {
    kind: 'float64',
    values: Float64Array.of(-0, Number.NaN, 1, 2),
    nulls: Uint8Array.of(0, 0, 0, 1),
  },
  4,
)

function matched({ schema, batch }: typeof CITIES, text: string): readonly number[] {
  return [...rowsThatMatch(parsePredicate(text, schema), schema, batch)]
}

describe('the rows that match', () => {
  it('are those for which all of it is true: what is not there makes it neither true nor false', () => {
    expect(matched(CITIES, "city != 'a'")).toEqual([0, 0, 1, 1, 1])
    expect(matched(CITIES, "not (city = 'a')")).toEqual([0, 0, 1, 1, 1])
    expect(matched(CITIES, "city not in ('a', 'b')")).toEqual([0, 0, 0, 1, 1])
    expect(matched(CITIES, "city = 'a' or city is null")).toEqual([1, 1, 0, 0, 0])
    expect(matched(CITIES, "not (city = 'b' and city is null)")).toEqual([1, 0, 1, 1, 1])
  })

  it('have text in the order of its UTF-8, not of its halves', () => {
    expect(matched(CITIES, "city > 'ﬀ'")).toEqual([0, 0, 0, 0, 1])
  })

  it('have zero as both zeros, and what is no number equal to nothing', () => {
    expect(matched(RATIOS, 'ratio = 0')).toEqual([1, 0, 0, 0])
    expect(matched(RATIOS, 'ratio != 0')).toEqual([0, 1, 1, 0])
    expect(matched(RATIOS, 'ratio < 5')).toEqual([1, 0, 1, 0])
    expect(matched(RATIOS, 'not (ratio < 5)')).toEqual([0, 1, 0, 0])
  })
})

/** What a file's metadata tells of a condition, of a file of these rows in a table parted like that. */
function told(
  { schema, batch }: typeof CITIES,
  text: string,
  transform: Transform = 'void',
  strip = false,
) {
  const { id } = schema.fields[0]!
  const field: PartitionField = { sourceId: id, fieldId: 1000, name: 'part', transform }
  const { partition } = partitionRows(schema, { fields: [field] }, batch)[0]!
  const file = dataFile('s3://f', partition, encodeParquet(schema, batch))
  const bare = { lowerBounds: {}, upperBounds: {}, nullCounts: {}, valueCounts: {}, nanCounts: {} }
  const spec = {
    'spec-id': 0,
    fields: [{ 'source-id': id, 'field-id': 1000, name: 'part', transform }],
  }
  const where = parsePredicate(text, schema)
  const { mayMatch, allMatch } = fileMatch(where, schema, strip ? { ...file, ...bare } : file, spec)
  return allMatch ? 'all' : mayMatch ? 'some' : 'none'
}

describe('the files that match', () => {
  const COUNTS = batchOf('count', { kind: 'int32', values: Int32Array.of(5, 7, 9) }, 3)
  const NONE = batchOf(
    'count',
    { kind: 'int32', values: new Int32Array(2), nulls: Uint8Array.of(1, 1) },
    2,
  )

  it('are told by bounds: none, some, or all of their rows', () => {
    expect(told(COUNTS, 'count < 5')).toBe('none')
    expect(told(COUNTS, 'count <= 5')).toBe('some')
    expect(told(COUNTS, 'count >= 5')).toBe('all')
    expect(told(COUNTS, 'count in (1, 2)')).toBe('none')
    expect(told(COUNTS, 'count = 6')).toBe('some')
    expect(told(COUNTS, 'count != 4')).toBe('all')
    expect(told(COUNTS, 'count between 5 and 9')).toBe('all')
    expect(told(COUNTS, 'not (count between 5 and 9)')).toBe('none')
  })

  it('are told by what is not there', () => {
    expect(told(COUNTS, 'count is null')).toBe('none')
    expect(told(NONE, 'count is null')).toBe('all')
    expect(told(NONE, 'count = 0')).toBe('none')
    expect(told(CITIES, "city >= 'a'")).toBe('some')
    expect(told(RATIOS, 'ratio < 100')).toBe('some')
    expect(told(RATIOS, 'ratio > 100')).toBe('none')
    expect(told(RATIOS, 'not (ratio > 100)')).toBe('some')
  })

  it('are told by their partition where they have no bounds', () => {
    const day = 86_400_000_000n
    const at = (micros: bigint) =>
      batchOf('at', { kind: 'int64', values: BigInt64Array.of(micros) }, 1)
    const one = batchOf('city', utf8Column(['Basel']), 1)
    const bare = true

    expect(told(one, "city = 'Bern'", 'identity', bare)).toBe('none')
    expect(told(one, "city = 'Basel'", 'identity', bare)).toBe('all')
    expect(told(one, "city > 'Bz'", 'truncate[2]', bare)).toBe('none')
    expect(told(one, "city = 'Basel'", 'truncate[2]', bare)).toBe('some')
    expect(told(one, "city = 'Aarau'", 'bucket[1000]', bare)).toBe('none')
    expect(told(one, "city > 'Aarau'", 'bucket[1000]', bare)).toBe('some')
    expect(told(at(day), "at < '1970-01-02T00:00:00Z'", 'day', bare)).toBe('some')
    expect(told(at(day), "at <= '1970-01-01T23:59:59Z'", 'day', bare)).toBe('none')
    expect(told(at(-1n), "at >= '1970-01-01T00:00:00Z'", 'year', bare)).toBe('none')
    expect(told(NONE, 'count is null', 'identity', bare)).toBe('all')
  })

  it('are never ruled out by a truncated number that went round', () => {
    const least = batchOf('count', { kind: 'int32', values: Int32Array.of(-2_147_483_647) }, 1)

    expect(told(least, 'count < 0', 'truncate[10]', true)).toBe('some')
  })

  it('have bounds of text that are cut off, and say no more than they know', () => {
    const long = batchOf('city', utf8Column(['x'.repeat(40)]), 1)

    expect(told(long, `city = '${'x'.repeat(40)}'`)).toBe('some')
    expect(told(long, `city > '${'x'.repeat(16)}'`)).toBe('some')
    expect(told(long, "city > 'y'")).toBe('none')
  })
})
