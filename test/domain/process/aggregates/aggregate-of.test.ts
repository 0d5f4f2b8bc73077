import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import type { AggregateDefinition } from '#lib/domain/process/view.ts'
import { contractOf, rowsOf, statesOf } from './algebra-harness.ts'

const ONE_OF_EACH: readonly AggregateDefinition[] = [
  { name: 'x', function: 'count' },
  { name: 'x', function: 'sum', field: 'value' },
  { name: 'x', function: 'mean', field: 'value' },
  { name: 'x', function: 'min', field: 'value' },
  { name: 'x', function: 'max', field: 'value' },
  { name: 'x', function: 'variance', field: 'value', of: 'sample' },
  { name: 'x', function: 'distinct', field: 'value' },
  { name: 'x', function: 'quantile', field: 'value', q: 0.5 },
  { name: 'x', function: 'topk', field: 'value', k: 3 },
  { name: 'x', function: 'first', field: 'value' },
  { name: 'x', function: 'last', field: 'value' },
]

describe('the algebra of a definition', () => {
  it('is built once for a definition and a contract', () => {
    const [one, other] = [contractOf({ kind: 'long' }), contractOf({ kind: 'long' })]
    for (const definition of ONE_OF_EACH) {
      expect(aggregateOf(definition, one)).toBe(aggregateOf(definition, one))
      expect(aggregateOf(definition, one)).not.toBe(aggregateOf(definition, other))
      expect(aggregateOf(definition, one)).not.toBe(aggregateOf({ ...definition }, one))
    }
  })

  it('says what its value is, how exact, and how large its state can be', () => {
    const contract = contractOf({ kind: 'decimal', precision: 9, scale: 2 })
    const facts = ONE_OF_EACH.map((definition) => {
      const { resultType, error, maxStoredBytes } = aggregateOf(definition, contract)
      return [definition.function, resultType.kind, error.kind, maxStoredBytes]
    })
    expect(facts).toEqual([
      ['count', 'long', 'exact', 29],
      ['sum', 'decimal', 'exact', 72],
      ['mean', 'double', 'relative', 72],
      ['min', 'decimal', 'exact', 32],
      ['max', 'decimal', 'exact', 32],
      ['variance', 'double', 'relative', 140],
      ['distinct', 'long', 'relativeStandardError', 2088],
      ['quantile', 'double', 'relative', 24_838],
      ['topk', 'list', 'shareOfRows', 4060],
      ['first', 'decimal', 'exact', 342],
      ['last', 'decimal', 'exact', 342],
    ])
  })

  it('refuses a state of another function, and of a version that is not yet known', () => {
    const contract = contractOf({ kind: 'long' })
    for (const writer of ONE_OF_EACH) {
      const written = aggregateOf(writer, contract)
      const [state] = statesOf(written, contract, rowsOf([5n]))
      const stored = written.toStored(state) as [string, ...unknown[]]
      const newer = [stored[0].replace('/1', '/2'), ...stored.slice(1)]
      expect(newer[0]).not.toBe(stored[0])
      expect(() => written.fromStored(newer)).toThrow(
        expect.objectContaining({ code: 'view.stateUnreadable' }),
      )
      for (const reader of ONE_OF_EACH) {
        const isKin =
          ['sum', 'mean'].includes(writer.function) && ['sum', 'mean'].includes(reader.function)
        if (reader.function === writer.function || isKin) continue
        expect(() => aggregateOf(reader, contract).fromStored(stored)).toThrow(
          expect.objectContaining({ code: 'view.stateUnreadable' }),
        )
      }
    }
  })

  it('has a state of nothing that changes nothing', () => {
    const contract = contractOf({ kind: 'long' })
    for (const definition of ONE_OF_EACH) {
      const algebra = aggregateOf(definition, contract)
      const [some] = statesOf(algebra, contract, rowsOf([5n, null, -7n]))
      const [none] = statesOf(algebra, contract, rowsOf([null]), 1)
      const stored = algebra.toStored(some)
      expect(algebra.toStored(algebra.merge(algebra.create(), some))).toEqual(stored)
      expect(algebra.toStored(algebra.merge(some, algebra.create()))).toEqual(stored)
      if (definition.function !== 'count') {
        expect(algebra.toStored(none)).toEqual(algebra.toStored(algebra.create()))
      }
    }
  })
})

describe('a definition is refused', () => {
  const refused = (type: FieldType, definition: object, constraints = {}) => {
    const contract = contractOf(type, constraints)
    try {
      aggregateOf({ name: 'x', ...definition } as AggregateDefinition, contract)
    } catch (error) {
      expect(error).toMatchObject({ code: 'view.invalid' })
      return (error as Error).message
    }
    return 'accepted'
  }
  const LONG: FieldType = { kind: 'long' }
  const TEXT: FieldType = { kind: 'string' }

  it.each([
    [
      'without such a function',
      LONG,
      { function: 'median', field: 'value' },
      'aggregate "x": there is no function "median": write count, sum, mean, min, max, variance, distinct, quantile, topk, first, last',
    ],
    [
      'with a name that every object has',
      LONG,
      { function: 'toString', field: 'value' },
      'aggregate "x": there is no function "toString": write count, sum, mean, min, max, variance, distinct, quantile, topk, first, last',
    ],
    [
      'without such a field',
      LONG,
      { function: 'sum', field: 'fare' },
      'aggregate "x": sum needs a field of the contract (int, long, decimal or double), not "fare"',
    ],
    [
      'with a field of another kind',
      TEXT,
      { function: 'mean', field: 'value' },
      'aggregate "x": mean needs a field that is int, long, decimal or double: "value" is string',
    ],
    [
      'that orders what has no order',
      { kind: 'boolean' },
      { function: 'max', field: 'value' },
      'aggregate "x": max needs a field that is int, long, decimal, double, date, timestamp, time or string: "value" is boolean',
    ],
    [
      'that counts no such field',
      LONG,
      { function: 'count', field: 'fare' },
      'aggregate "x": count needs a field of the contract (int, long, decimal, double, date, timestamp, time, string, boolean, struct or list), not "fare"',
    ],
    [
      'that keeps texts of any length',
      TEXT,
      { function: 'last', field: 'value' },
      'aggregate "x": last keeps a value of "value" per key: give it a maxLength of at most 400 in the contract',
    ],
    [
      'with an option that is misspelt',
      LONG,
      { function: 'distinct', field: 'value', precison: 12 },
      'aggregate "x": distinct has no option "precison": it has field, precision',
    ],
    [
      'with a precision out of range',
      LONG,
      { function: 'distinct', field: 'value', precision: 15 },
      'aggregate "x": precision is a whole number from 4 to 14, not 15',
    ],
    [
      'of a variance of neither kind',
      LONG,
      { function: 'variance', field: 'value' },
      'aggregate "x": of is "population" or "sample", not undefined',
    ],
    [
      'with a quantile out of range',
      LONG,
      { function: 'quantile', field: 'value', q: [0.5, 50] },
      'aggregate "x": q is a number from 0 to 1, not 50',
    ],
    [
      'with no quantile',
      LONG,
      { function: 'quantile', field: 'value', q: [] },
      'aggregate "x": q is empty: name a quantile',
    ],
    [
      'with an accuracy out of range',
      LONG,
      { function: 'quantile', field: 'value', q: 0.5, accuracy: 0 },
      'aggregate "x": accuracy is a number from 0.001 to 0.2, not 0',
    ],
    [
      'with too few bins',
      LONG,
      { function: 'quantile', field: 'value', q: 0.5, maxBins: 10 },
      'aggregate "x": maxBins is a whole number from 64 to 4096, not 10',
    ],
    [
      'with a capacity below k',
      LONG,
      { function: 'topk', field: 'value', k: 10, capacity: 9 },
      'aggregate "x": capacity is a whole number from 10 to 1000, not 9',
    ],
    [
      'with a k that is no number',
      LONG,
      { function: 'topk', field: 'value', k: '10' },
      'aggregate "x": k is a whole number from 1 to 100, not "10"',
    ],
  ])('%s', (_case, type, definition, message) => {
    expect(refused(type as FieldType, definition)).toBe(message)
  })

  it('and accepted with a text of bounded length', () => {
    const definition = { function: 'last', field: 'value' }
    expect(refused(TEXT, definition, { maxLength: 400 })).toBe('accepted')
    expect(refused(TEXT, definition, { maxLength: 401 })).toContain('at most 400')
    expect(refused(TEXT, definition, { values: ['yes', 'no'] })).toBe('accepted')
    expect(refused(TEXT, definition, { values: ['y'.repeat(401)] })).toContain('at most 400')
    expect(refused({ kind: 'time' }, definition)).toBe('accepted')
  })
})
