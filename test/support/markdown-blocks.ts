/** A block of code in a page. */
export interface CodeBlock {
  readonly language: string
  /** What stands behind the language: readers of the page do not see it. */
  readonly info: string
  readonly text: string
  /** Where it begins in the page, from 1. */
  readonly line: number
}

/** The blocks of code of a page in Markdown, in order. */
export function codeBlocks(page: string): CodeBlock[] {
  const blocks: CodeBlock[] = []
  const fence = /^(`{3,})([a-z]*)[ ]*([^\n]*)\n(.*?)^\1$/gms
  for (const { index, 2: language, 3: info, 4: text } of page.matchAll(fence)) {
    const line = page.slice(0, index).split('\n').length
    blocks.push({ language: language!, info: info!, text: text!, line })
  }
  return blocks
}

/** The lines of the table behind a mark `<!-- table: name -->`. */
export function markedTable(page: string, name: string): string {
  const [, behind] = page.split(`<!-- table: ${name} -->\n`)
  if (behind === undefined) throw new Error(`the page has no table "${name}"`)
  return /^(?:\|.*\n)+/.exec(behind)?.[0] ?? ''
}

/** The page with another table behind the mark. */
export function withTable(page: string, name: string, table: string): string {
  const mark = `<!-- table: ${name} -->\n`
  return page.replace(`${mark}${markedTable(page, name)}`, () => `${mark}${table}`)
}
