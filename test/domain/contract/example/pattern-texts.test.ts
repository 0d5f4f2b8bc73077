import { describe, expect, it } from 'vitest'
import { patternTexts } from '#lib/domain/contract/example/pattern-texts.ts'
import { compilePattern } from '#lib/domain/contract/pattern.ts'

function texts(pattern: string, least = 0, most = 100, count = 5): string[] {
  return [...patternTexts(pattern, least, most)].slice(0, count)
}

describe('texts that match a pattern', () => {
  it.each([
    ['^[A-Z]{3}[0-9]{2}$', 'AAA00'],
    ['^(?:red|green|blu?e)+$', 'red'],
    ['[0-9]', '0'],
    ['^$|^a', ''],
    ['^\\w+@\\w+\\.[a-z]{2,3}$', 'a@a.aa'],
    ['^[^\\u0000-\\u001f]*$', ''],
    ['(a|ab)(c|bcd)$', 'ac'],
    ['^\\p{Script=Greek}$', 'Ͱ'],
    ['^[\\u{1F600}-\\u{1F64F}]$', '😀'],
    ['^a{0}b$', 'b'],
    ['^(?:)*$', ''],
  ])('of %s begin with the shortest', (pattern, first) => {
    expect(texts(pattern)[0]).toBe(first)
  })

  it.each([
    ['^[A-Z]+$', 4, 6],
    ['[0-9]', 7, 7],
    ['x$', 3, 3],
    ['^x', 3, 3],
    ['^(?:ab)*$', 5, 9],
    ['a', 60, 61],
  ])('of %s have %i to %i characters', (pattern, least, most) => {
    const found = texts(pattern, least, most)
    const compiled = compilePattern(pattern)

    expect(new Set(found).size).toBe(found.length)
    expect(found.length).toBeGreaterThan(0)
    for (const text of found) {
      expect(compiled.ok && compiled.pattern.test(text)).toBe(true)
      expect(text.length).toBeGreaterThanOrEqual(least)
      expect(text.length).toBeLessThanOrEqual(most)
    }
  })

  it.each([
    ['^a$', 2, 9],
    ['^(?:ab)*$', 3, 3],
    ['a^', 0, 9],
    ['$a', 0, 9],
    ['^[^\\s\\S]$', 0, 9],
  ])('of %s with %i to %i characters: there are none', (pattern, least, most) => {
    expect(texts(pattern, least, most)).toEqual([])
  })

  it('are several, so that an array has no item twice', () => {
    expect(texts('^[ab][01]$', 0, 9, 10)).toEqual(['a0', 'a1', 'b0', 'b1'])
  })
})
