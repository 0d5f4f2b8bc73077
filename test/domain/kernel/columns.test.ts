import { expect, it } from 'vitest'
import { utf8At, utf8Column } from '#lib/domain/kernel/columns.ts'

it('a text comes back from its column as it was, with a mark of the byte order if it has one', () => {
  const texts = ['', '\ufeff', '\ufefftext', 'naïve 🚕', '\u0000']

  const column = utf8Column(texts)

  expect(texts.map((_, row) => utf8At(column, row))).toEqual(texts)
})
