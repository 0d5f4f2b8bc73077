import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePattern } from '#lib/domain/contract/pattern.ts'

function matches(source: string, text: string): boolean {
  const compiled = compilePattern(source)
  if (!compiled.ok) throw new Error(compiled.problem)
  return compiled.pattern.test(text)
}

/** Patterns of the allowed kind, deep and ambiguous ones too. */
const patterns = fc.letrec<{ node: string; atom: string }>((tie) => ({
  atom: fc.constantFrom(
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '\\.',
    '[\\d-]',
    '😀',
    '\\u{1F600}',
    '\\ud83d\\ude00',
    '\\p{Lu}',
    'a|b',
    '',
  ),
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('atom'),
    fc.tuple(tie('node'), tie('node')).map(([x, y]) => `${x}${y}`),
    fc.tuple(tie('node'), tie('node')).map(([x, y]) => `(?:${x}|${y})`),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{0,2}', '{1,}', '*?', '+?'))
      .map(([x, quantifier]) => `(${x})${quantifier}`),
    tie('node').map((x) => `^${x}`),
    tie('node').map((x) => `${x}$`),
  ),
})).node

const texts = fc.string({
  unit: fc.constantFrom('a', 'b', 'A', '1', '.', '-', '😀', '\n'),
  maxLength: 8,
})

describe('a pattern', () => {
  it('matches what the regular-expression engine matches', () => {
    fc.assert(
      fc.property(patterns, texts, (source, text) => {
        fc.pre(source.length < 100)
        expect([source, text, matches(source, text)]).toEqual([
          source,
          text,
          new RegExp(source, 'u').test(text),
        ])
      }),
      { numRuns: 3_000 },
    )
  })

  it.each([
    ['^(a+)+$', `${'a'.repeat(50_000)}!`],
    ['^(a|a)*$', `${'a'.repeat(50_000)}!`],
    ['^(.*a){12}$', `${'a'.repeat(20_000)}!`],
    ['a*a*a*a*a*b', 'a'.repeat(50_000)],
    ['^([a-zA-Z0-9])(([-.]|[_]+)?([a-zA-Z0-9]+))*$', `${'a'.repeat(50_000)}!`],
  ])('takes linear time where a backtracking engine takes for ever: %s', (source, text) => {
    const start = process.cpuUsage()

    expect(matches(source, text)).toBe(false)
    // Processor time: other tests run beside this one.
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(3_000)
  })

  it.each([
    ['(a)\\1', 'no backreference'],
    ['(?<x>a)\\k<x>', 'look around or name groups'],
    ['(?=a)', 'look around'],
    ['(?<!a)b', 'look around'],
    ['\\bword', 'no word boundary'],
    ['a{2000}', 'at most 1000 times'],
    ['((a{100}){100}){100}', 'at most 1000 places'],
    ['((((){1000}){1000}){1000}){1000}a{2,1}', 'no regular expression'],
    ['(', 'no regular expression'],
    ['a'.repeat(600), 'at most 500 characters'],
    [`${'('.repeat(100)}${')'.repeat(100)}`, 'at most 50 deep'],
  ])('is refused if it is not regular or too big: %s', (source, problem) => {
    expect(compilePattern(source)).toMatchObject({
      ok: false,
      problem: expect.stringContaining(problem),
    })
  })

  it('may repeat nothing a billion times', () => {
    expect(matches('((((){1000}){1000}){1000}){1000}', '')).toBe(true)
  })
})
