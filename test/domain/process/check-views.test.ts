import { describe, expect, it } from 'vitest'
import { checkViews } from '#lib/domain/process/check-views.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { contractWith, field } from '../contract/contract-document.ts'

const contract = contractWith([
  field('zone', 'integer', 12, { required: true }),
  field('fare', 'number', 13, { physicalType: 'decimal(10, 2)' }),
])

const view: ViewDefinition = {
  name: 'fares',
  description: 'Fares per zone and hour.',
  key: 'zone',
  window: { kind: 'tumbling', sizeSeconds: 3600 },
  aggregates: [{ name: 'fare_sum', function: 'sum', field: 'fare' }],
  freshnessSeconds: 60,
}

/** What the types would not let through, as a file whose types are stripped may hold it. */
function problemWith(changes: object): string {
  try {
    checkViews(contract, [{ ...view, ...changes } as ViewDefinition])
    return 'none'
  } catch (error) {
    expect(error).toMatchObject({ code: 'view.invalid' })
    return (error as Error).message
  }
}

describe('a view', () => {
  it('is taken if the contract has what it reads', () => {
    expect(problemWith({})).toBe('none')
  })

  it.each<[string, object, string]>([
    [
      'a function that there is not',
      { aggregates: [{ name: 'fare_median', function: 'median', field: 'fare' }] },
      'aggregate "fare_median": there is no function "median": write count, sum, mean',
    ],
    [
      'a function that every object has',
      { aggregates: [{ name: 'x', function: 'toString', field: 'fare' }] },
      'there is no function "toString"',
    ],
    ['no function', { aggregates: [{ name: 'x' }] }, 'there is no function nothing'],
    ['another way of serving', { serving: 'stream' }, 'serving is "both" or "batch"'],
    ['an aggregate that is none', { aggregates: [null] }, 'there is no function nothing'],
    ['aggregates that are no list', { aggregates: { count: true } }, 'it aggregates nothing'],
    [
      'a window that there is not',
      { window: { kind: 'hopping', sizeSeconds: 60 } },
      'there is no window "hopping": write tumbling, sliding, session, running',
    ],
    [
      'no window',
      { window: undefined },
      'there is no window nothing: write tumbling, sliding, session, running',
    ],
    [
      'a window of part of a second',
      { window: { kind: 'tumbling', sizeSeconds: 0.5 } },
      "the window's sizeSeconds is a whole number of seconds",
    ],
    [
      'freshness in words',
      { freshnessSeconds: '2 hours' },
      'freshnessSeconds is a whole number of seconds above 0, not "2 hours"',
    ],
    ['no freshness', { freshnessSeconds: undefined }, 'above 0, not nothing'],
    ['freshness of no time', { freshnessSeconds: 0 }, 'above 0, not 0'],
  ])('is refused with %s', (_case, changes, problem) => {
    const message = problemWith(changes)

    expect(message).toMatch(/^tests: view "fares": /)
    expect(message).toContain(problem)
  })
})
