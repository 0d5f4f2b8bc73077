import { expect, it } from 'vitest'
import { timeLeft } from '../../bin/commands/terminal.ts'

it('progress says how long it still takes, and nothing while nobody can tell', () => {
  expect([4, 59, 60, 65, 3_599, 3_600, 7_500].map(timeLeft)).toEqual([
    '  4s left',
    '  59s left',
    '  1m00s left',
    '  1m05s left',
    '  59m59s left',
    '  1h00m left',
    '  2h05m left',
  ])
  expect(['INF', 'NULL', Number.NaN, '0', 0, undefined].map(timeLeft)).toEqual(Array(6).fill(''))
})
