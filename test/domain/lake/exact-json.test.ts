import { describe, expect, it } from 'vitest'
import { parseExact, stringifyExact } from '#lib/domain/lake/exact-json.ts'

describe('JSON without loss', () => {
  it.each([
    '0',
    '-1',
    '1.5',
    '1e400',
    '0.10',
    '9007199254740991',
    '9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
    // Its nearest double is …192, and prints as these digits again.
    '796681407589784200',
  ])('gives %s back as it was', (text) => {
    expect(stringifyExact(parseExact(`[${text}]`))).toBe(`[${text}]`)
  })

  it('holds an id whose last digits are zeros exactly', () => {
    expect(parseExact('796681407589784200')).toBe(796681407589784200n)
    expect(parseExact('9007199254740992')).toBe(9007199254740992n)
  })

  it('leaves an integer that a number holds a number', () => {
    expect(parseExact('9007199254740991')).toBe(9007199254740991)
  })
})
