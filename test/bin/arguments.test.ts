import { describe, expect, it } from 'vitest'
import {
  durationMs,
  fraction,
  instantMs,
  listOf,
  positiveNumber,
  ratePerSecond,
  wholeNumber,
} from '../../bin/commands/arguments.ts'

describe('arguments', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    [' 0s ', 0],
  ])('reads the duration %s', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })

  it.each(['', '30', 's', '-5s', '5 s', '1w', '1e3s', 'abc'])(
    'refuses the duration "%s"',
    (text) => {
      expect(() => durationMs(text)).toThrow(/duration such as/)
    },
  )

  it('reads shares from 0 to 1', () => {
    expect(['0', '0.02', '1', '1e-3'].map(fraction)).toEqual([0, 0.02, 1, 0.001])
    for (const text of ['', '-0.1', '1.1', 'NaN', '2%']) expect(() => fraction(text)).toThrow()
  })

  it('reads whole numbers that a number can hold', () => {
    expect(['0', '7', '9007199254740991'].map(wholeNumber)).toEqual([0, 7, 9_007_199_254_740_991])
    for (const text of ['', '1.5', '-1', '9007199254740992', '0x10', '1e3']) {
      expect(() => wholeNumber(text)).toThrow()
    }
    expect(() => positiveNumber('0')).toThrow()
  })

  it('reads rates with or without the second', () => {
    expect(['500', '500/s'].map(ratePerSecond)).toEqual([500, 500])
    expect(() => ratePerSecond('500/m')).toThrow()
  })

  it('reads lists, and refuses holes in them', () => {
    expect(listOf('us-east-1, eu-west-1')).toEqual(['us-east-1', 'eu-west-1'])
    for (const text of ['', ',', 'a,,b']) expect(() => listOf(text)).toThrow()
  })

  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T18:00', '2026-01-31T18:00:00.000Z'],
    ['2026-01-31 18:00:05.5', '2026-01-31T18:00:05.500Z'],
    ['2026-01-31T18:00:00+02:00', '2026-01-31T16:00:00.000Z'],
  ])('reads the time "%s"', (text, iso) => {
    expect(new Date(instantMs(text)).toISOString()).toBe(iso)
  })

  it.each(['', 'yesterday', '2026-13-01', '31.1.2026', '2026-01-31T25:00', '1769882400'])(
    'refuses the time "%s"',
    (text) => {
      expect(() => instantMs(text)).toThrow(/Write a time such as/)
    },
  )
})
