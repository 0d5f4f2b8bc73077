import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { code, codeBlock, inline, paragraph, table } from '#lib/domain/contract/page/markdown.ts'

describe('a text of a contract', () => {
  it.each([
    ['*bold* _it_', '\\*bold\\* \\_it\\_'],
    ['a | b', 'a \\| b'],
    ['<b>&amp;', '\\<b\\>\\&amp;'],
    ['[x](y)', '\\[x\\](y)'],
    ['back\\slash', 'back\\\\slash'],
    ['over\r\n two\tlines', 'over two lines'],
    ['turned \u202e', 'turned \\\\u202e'],
    ['😀 東京', '😀 東京'],
  ])('%j is read as it stands', (text, markdown) => {
    expect(inline(text)).toBe(markdown)
  })

  it.each([
    ['- item', '\\- item'],
    ['+ item', '\\+ item'],
    ['1. one', '1\\. one'],
    ['12) one', '12\\) one'],
    ['=== ', '\\==='],
    ['# heading', '\\# heading'],
    ['> quote', '\\> quote'],
    ['    code', 'code'],
    ['2026 was good', '2026 was good'],
  ])('%j begins nothing at the start of a line', (text, markdown) => {
    expect(paragraph(text)).toBe(markdown)
  })

  it.each([
    ['a b', '`a b`'],
    ['a|b', '<code>a&#124;b</code>'],
    ['`', '<code>&#96;</code>'],
    ['<é|', '<code>&#60;é&#124;</code>'],
    [' ', '<code> </code>'],
    ['\n', '`\\u000a`'],
  ])('%j is code as it stands', (text, markdown) => {
    expect(code(text)).toBe(markdown)
  })

  it('keeps to its cell, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
        const rows = texts.map((text) => [inline(text), code(text), paragraph(text)])
        const lines = table(['a', 'b', 'c'], rows).split(/[\r\n\u2028\u2029]/)

        expect(lines).toHaveLength(texts.length + 2)
        for (const line of lines) expect(line.match(/(?<!\\)(?:\\\\)*\|/g)).toHaveLength(4)
      }),
    )
  })

  it('ends no block of code', () => {
    expect(codeBlock('sh', 'a\n```\nb')).toBe('````sh\na\n```\nb\n````')
  })
})
