import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fromTwosComplement,
  lowerStringBound,
  twosComplement,
  upperStringBound,
} from '#lib/domain/lake/single-value.ts'

const utf8 = (text: string) => Buffer.from(text)
const cut = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('utf8')

describe('bounds of strings', () => {
  it('are the strings themselves up to 16 characters', () => {
    const sixteen = '🚕'.repeat(16)

    expect(cut(lowerStringBound(utf8(sixteen)))).toBe(sixteen)
    expect(cut(upperStringBound(utf8(sixteen)))).toBe(sixteen)
  })

  it('are a prefix below and the next prefix above for longer ones', () => {
    expect(cut(lowerStringBound(utf8('abcdefghijklmnopqrst')))).toBe('abcdefghijklmnop')
    expect(cut(upperStringBound(utf8('abcdefghijklmnopqrst')))).toBe('abcdefghijklmnoq')
  })

  it('step over surrogates and carry past the last character there is', () => {
    expect(cut(upperStringBound(utf8(`${'\ud7ff'.repeat(16)}x`)))).toBe(
      `${'\ud7ff'.repeat(15)}\ue000`,
    )
    expect(cut(upperStringBound(utf8(`ab${'\u{10ffff}'.repeat(15)}`)))).toBe('ac')
    expect(upperStringBound(utf8('\u{10ffff}'.repeat(17)))).toBeUndefined()
  })

  it('enclose the string in byte order, always', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const bytes = utf8(text)
        const upper = upperStringBound(bytes)

        expect(Buffer.compare(lowerStringBound(bytes), bytes)).toBeLessThanOrEqual(0)
        if (upper) expect(Buffer.compare(upper, bytes)).toBeGreaterThanOrEqual(0)
      }),
    )
  })
})

describe('big-endian two’s complement', () => {
  it.each([
    [0n, '00'],
    [127n, '7f'],
    [128n, '0080'],
    [-128n, '80'],
    [-129n, 'ff7f'],
    [1420n, '058c'],
  ])('of %s takes as few bytes as hold it', (value, hex) => {
    expect(Buffer.from(twosComplement(value)).toString('hex')).toBe(hex)
  })

  it('comes back, also from a fixed width', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(fromTwosComplement(twosComplement(value))).toBe(value)
        expect(fromTwosComplement(twosComplement(value, 8))).toBe(value)
        expect(twosComplement(value, 8)).toHaveLength(8)
      }),
    )
  })
})
