import { expect, it } from 'vitest'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import { contractOf, rowsOf, stateBySomeWay, statesOf, storedText } from './algebra-harness.ts'

const contract = contractOf({ kind: 'double' })
const all = aggregateOf({ name: 'n', function: 'count' }, contract)
const present = aggregateOf({ name: 'n', function: 'count', field: 'value' }, contract)

it('counts rows, or those that have a value, whatever the order', () => {
  const random = seededRandom(1)
  for (let round = 0; round < 20; round++) {
    const values = Array.from({ length: 40 }, () => (random() < 0.5 ? null : random()))
    const rows = rowsOf(values, () => Math.floor(random() * 4) - 1)

    for (const [algebra, counts] of [
      [all, () => true],
      [present, (value: unknown) => value !== null],
    ] as const) {
      const states = stateBySomeWay(algebra, contract, rows, 3, random)

      for (const group of [0, 1, 2]) {
        const expected = rows.filter((row) => row.group === group && counts(row.value)).length
        expect(algebra.finish(states[group])).toBe(expected)
        expect(algebra.toStored(states[group])).toEqual(['count/1', expected])
      }
    }
  }
})

it('is 0 of nothing, and needs no column for all rows', () => {
  expect(all.finish(all.create())).toBe(0)
  expect(all.columns).toEqual([])
  expect(all.addBatch({ rows: 2, columns: new Map() }, Int32Array.of(1, -1), 2)).toEqual([0, 1])
})

it('reads what was stored before states had a version', () => {
  expect(all.finish(all.fromStored(12))).toBe(12)
  for (const damaged of [-1, 1.5, '12', null, ['count/1', -1], ['count/1']]) {
    expect(() => all.fromStored(damaged)).toThrow(
      expect.objectContaining({ code: 'view.stateUnreadable' }),
    )
  }
})

it('takes no more room than it says', () => {
  expect(storedText(all, Number.MAX_SAFE_INTEGER).length).toBeLessThanOrEqual(all.maxStoredBytes)
  expect(statesOf(all, contract, [], 2)).toEqual([0, 0])
})
