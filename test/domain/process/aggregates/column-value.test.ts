import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import { columnValue } from '#lib/domain/process/aggregates/column-value.ts'
import type { AggregateDefinition } from '#lib/domain/process/view.ts'
import { valueAt } from '#test/support/columns.ts'
import { contractOf, finished, rowsOf } from './algebra-harness.ts'

type Definition = Omit<Extract<AggregateDefinition, { field: string }>, 'name'>

const MAX: Definition = { function: 'max', field: 'value' }
const SUM: Definition = { function: 'sum', field: 'value' }

/** What a table's column of the result type holds of the finished value. */
function inColumn(type: FieldType, definition: object, values: readonly (Value | null)[]) {
  const contract = contractOf(type, { maxLength: 10 })
  const algebra = aggregateOf({ name: 'x', ...definition } as AggregateDefinition, contract)
  const value = columnValue(finished(algebra, contract, rowsOf(values)), algebra.resultType)
  const table = tableSchemaOf(contractOf(algebra.resultType))
  const column = columnOf(table.fields.find(({ name }) => name === 'value')!.type, [value, null])
  expect(valueAt(column, 1)).toBeNull()
  return valueAt(column, 0)
}

describe('a finished value goes into a column of its result type', () => {
  it.each<[string, FieldType, object, (Value | null)[], unknown]>([
    ['a count', { kind: 'long' }, { function: 'count' }, [1n, null], 2n],
    ['a distinct', { kind: 'long' }, { function: 'distinct', field: 'value' }, [1n, 2n], 2n],
    ['an int', { kind: 'int' }, MAX, [-5n], -5],
    ['a long', { kind: 'long' }, MAX, [2n ** 62n + 1n], 2n ** 62n + 1n],
    ['a sum of ints', { kind: 'int' }, SUM, [2n ** 31n - 1n, 1n], 2n ** 31n],
    ['a sum of decimals', { kind: 'decimal', precision: 5, scale: 2 }, SUM, [150n, 5n], 155n],
    ['a sum of doubles', { kind: 'double' }, SUM, [0.5, 0.25], 0.75],
    ['a text', { kind: 'string' }, MAX, ['a', 'b'], 'b'],
    ['a date', { kind: 'date' }, MAX, [17_897n], 17_897],
    ['a time', { kind: 'time' }, MAX, ['10:00:00'], '10:00:00'],
    ['a timestamp', { kind: 'timestamp' }, MAX, [1n, 3n], 3n],
    ['a boolean', { kind: 'boolean' }, { function: 'last', field: 'value' }, [false, true], 1],
    ['nothing', { kind: 'timestamp' }, MAX, [null], null],
    [
      'quantiles',
      { kind: 'double' },
      { function: 'quantile', field: 'value', q: [0, 1] },
      [1.5, 8],
      [1.5, 8],
    ],
    [
      'a top of decimals',
      { kind: 'decimal', precision: 5, scale: 2 },
      { function: 'topk', field: 'value', k: 2 },
      [150n, 5n, 150n],
      [
        { value: 150n, count: 2n, error: 0n },
        { value: 5n, count: 1n, error: 0n },
      ],
    ],
  ])('%s', (_what, type, definition, values, expected) => {
    expect(inColumn(type, definition, values)).toEqual(expected)
  })

  it('and into JSON, with all its digits', () => {
    const contract = contractOf({ kind: 'long' })
    const definition = { name: 'x', function: 'topk', field: 'value', k: 1 } as const
    const top = finished(aggregateOf(definition, contract), contract, rowsOf([2n ** 60n + 1n]))
    expect(JSON.stringify(top)).toBe('[{"value":1152921504606846977,"count":1,"error":0}]')
  })
})
