import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { rowsInOrder } from '#lib/domain/lake/row-order.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import type { SortField } from '#lib/domain/lake/sort-order.ts'

const SCHEMA: TableSchema = {
  fields: [
    { id: 1, name: 'text', required: false, type: 'string' },
    { id: 2, name: 'ratio', required: false, type: 'double' },
    { id: 3, name: 'at', required: false, type: 'timestamptz' },
    { id: 4, name: 'flag', required: false, type: 'boolean' },
  ],
}

const by = (sourceId: number, more: Partial<SortField> = {}): SortField => ({
  sourceId,
  transform: 'identity',
  direction: 'asc',
  nulls: 'first',
  ...more,
})

function ordered(name: string, column: Column, rows: number, ...fields: readonly SortField[]) {
  const batch: ColumnBatch = { rows, columns: new Map([[name, column]]) }
  return [...rowsInOrder(SCHEMA, { fields }, batch)]
}

describe('the order of rows', () => {
  it('is by bytes for text, where JavaScript’s strings have another one', () => {
    const text = utf8Column(['🚕', '\uffff', 'a', 'B', null, ''])

    expect(ordered('text', text, 6, by(1))).toEqual([4, 5, 3, 2, 1, 0])
    expect(ordered('text', text, 6, by(1, { direction: 'desc' }))).toEqual([4, 0, 1, 2, 3, 5])
    expect(ordered('text', text, 6, by(1, { nulls: 'last' }))).toEqual([5, 3, 2, 1, 0, 4])
  })

  it('puts −0 before 0 and NaN behind all other doubles', () => {
    const values = Float64Array.of(Number.NaN, 0, -0, Infinity, -Infinity, Number.NaN)

    expect(ordered('ratio', { kind: 'float64', values }, 6, by(2))).toEqual([4, 2, 1, 3, 0, 5])
  })

  it('leaves rows as they stand where it does not tell them apart', () => {
    const day = 86_400_000_000n
    const values = BigInt64Array.of(day + 5n, 3n, day + 1n, 2n)
    const column: Column = { kind: 'int64', values }

    expect(ordered('at', column, 4, by(3, { transform: 'day', direction: 'desc' }))).toEqual([
      0, 2, 1, 3,
    ])
    expect(ordered('at', column, 4, by(3, { transform: 'day' }), by(3))).toEqual([3, 1, 2, 0])
    expect(ordered('flag', { kind: 'boolean', values: Uint8Array.of(1, 0, 1) }, 3, by(4))).toEqual([
      1, 0, 2,
    ])
    expect(ordered('at', column, 4)).toEqual([0, 1, 2, 3])
  })

  it('wants the column that it is by', () => {
    expect(() => ordered('other', utf8Column([]), 0, by(1))).toThrow(
      expect.objectContaining({ code: 'lake.columnMismatch' }),
    )
  })
})
