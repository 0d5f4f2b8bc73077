import fc from 'fast-check'
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

  it.each([
    '{"a":"x, 12345678901234567890]","b":12345678901234567890}',
    '{"a":"{\\"n\\": 12345678901234567890}"}',
    '["\\u0001123", 1]',
    '["\u00e9: 1.50", -0, [], {}, null, true]',
    '{"__proto__":{"n":12345678901234567890}}',
  ])('does not take for a number what is text: %s', (text) => {
    const plain = (one: string) => one.replaceAll(' ', '')
    expect(plain(stringifyExact(parseExact(text)))).toBe(plain(text))
  })

  it('gives any document back', () => {
    const number = fc.oneof(
      fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
      fc.constantFrom('-0', '1.0', '1e2', '1234567890123456', '-9007199254740993'),
    )
    const text = fc.oneof(fc.string({ unit: 'binary' }), number).map((one) => JSON.stringify(one))
    const list = fc.array(fc.oneof(number, text)).map((parts) => `[${parts.join(',')}]`)
    const document = fc
      .array(fc.tuple(text, fc.oneof(number, text, list)))
      .map((parts) => new Map(parts))
      .map((parts) => `{${[...parts].map(([key, value]) => `${key}:${value}`).join(',')}}`)

    fc.assert(
      fc.property(document, (one) => {
        // Keys that look like array indices come first in any object of JavaScript's.
        fc.pre(!/[{,]"\d+":/.test(one))
        expect(stringifyExact(parseExact(one))).toBe(one)
      }),
    )
  })

  it('refuses what is no JSON', () => {
    for (const text of ['[00000000000000001]', '[1,]', '', '{"a":\u0001123}']) {
      expect(() => parseExact(text)).toThrow(SyntaxError)
    }
  })

  it('leaves an integer that a number holds a number', () => {
    expect(parseExact('9007199254740991')).toBe(9007199254740991)
  })
})
