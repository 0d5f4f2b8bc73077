import { describe, expect, it } from 'vitest'
import { utf8Column } from '#lib/domain/kernel/columns.ts'
import { changeMarks, isLater } from '#lib/domain/process/latest/change-order.ts'

const marksOf = (...rows: (readonly [key: string, position: string, op: string, id?: string])[]) =>
  Array.from(rows.keys()).map(
    changeMarks(
      {
        rows: rows.length,
        columns: new Map([
          ['a', utf8Column(rows.map(([key]) => key.split('/')[0]!))],
          ['b', utf8Column(rows.map(([key]) => key.split('/')[1] ?? null))],
          ['source_position', utf8Column(rows.map(([, position]) => position))],
          ['op', utf8Column(rows.map(([, , op]) => op))],
          ['event_source', utf8Column(rows.map(() => 's'))],
          ['event_id', utf8Column(rows.map(([, , , id = 'x']) => id))],
        ]),
      },
      ['a', 'b'],
    ),
  )

describe('of two changes of a row', () => {
  it('the one at the greater position is the later', () => {
    const [low, high] = marksOf(['k', '0019', 'u'], ['k', '00210', 'u'])

    expect([isLater(high!, low!), isLater(low!, high!), isLater(low!, low!)]).toEqual([
      true,
      false,
      false,
    ])
  })

  it('at one position a creation is later than a deletion, and both than what changes a row', () => {
    const marks = marksOf(['k', '1', 'u'], ['k', '1', 'r'], ['k', '1', 'd'], ['k', '1', 'c'])

    for (const [i, mark] of marks.entries()) {
      for (const before of marks.slice(0, i)) {
        expect([isLater(mark, before), isLater(before, mark)]).toEqual([true, false])
      }
    }
  })

  it('that say the same at one position, which is the later does not depend on who asks', () => {
    const [one, other] = marksOf(['k', '1', 'u', 'e1'], ['k', '1', 'u', 'e2'])

    expect([isLater(other!, one!), isLater(one!, other!)]).toEqual([true, false])
  })
})

it('rows are told apart by all fields of their key', () => {
  const keys = marksOf(
    ['x/yz', '1', 'c'],
    ['xy/z', '1', 'c'],
    ['x', '1', 'c'],
    ['x/null', '1', 'c'],
  )

  expect(new Set(keys.map(({ key }) => key)).size).toBe(4)
})
