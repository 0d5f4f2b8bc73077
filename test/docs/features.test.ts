import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { codeBlocks } from '#test/support/markdown-blocks.ts'
import { TypeCheck } from '#test/support/type-check.ts'
import { root } from '#test/support/weir.ts'

const blocks = codeBlocks(readFileSync(join(root, 'docs/features.md'), 'utf8'))

it('the definitions of docs/features.md compile', () => {
  const definitions = blocks.filter(
    ({ language, text }) => language === 'ts' && /^export const (views|decisions)/m.test(text),
  )

  expect(definitions.length).toBeGreaterThan(1)
  for (const { text } of definitions) {
    expect(
      new TypeCheck({ 'products/trips/made.ts': text }).problems('products/trips/made.ts'),
    ).toEqual([])
  }
})
