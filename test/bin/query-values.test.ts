import { describe, expect, it } from 'vitest'
import { athenaValue } from '#lib/adapters/athena/athena-values.ts'

describe('values of a query', () => {
  it.each([
    ['integer', '42', 42],
    ['bigint', '9007199254740991', 9_007_199_254_740_991],
    ['bigint', '9007199254740993', '9007199254740993'],
    ['double', '1.5', 1.5],
    ['double', 'NaN', 'NaN'],
    ['double', 'Infinity', 'Infinity'],
    ['decimal', '119132.90', '119132.90'],
    ['boolean', 'true', true],
    ['boolean', 'false', false],
    ['varchar', '7', '7'],
    ['varchar', '', ''],
    ['date', '2019-01-31', '2019-01-31'],
    ['timestamp', '2019-01-31 12:04:54.000', '2019-01-31T12:04:54.000'],
    ['timestamp with time zone', '2019-01-31 12:04:54.000 UTC', '2019-01-31T12:04:54.000Z'],
    ['timestamp with time zone', '2019-01-31 12:04:54 +01:00', '2019-01-31T12:04:54+01:00'],
    [
      'timestamp with time zone',
      '2019-01-31 12:04:54 America/New_York',
      '2019-01-31 12:04:54 America/New_York',
    ],
    ['bigint', undefined, null],
    ['varchar', undefined, null],
  ])('%s %s', (type, text, value) => {
    expect(athenaValue(type, text)).toBe(value)
  })
})
