import { plainText } from '../plain-text.ts'

const MAX_WIDTH = 100

/**
 * Lines of a doc comment that holds these paragraphs, each on lines of its own; none if all are empty. Whatever a text
 * says, it ends no comment, begins no tag and directs no tool.
 */
export function docComment(paragraphs: readonly string[], indent: string): string[] {
  const texts = paragraphs.map(harmless).filter((text) => text !== '')
  const [only] = texts
  if (only === undefined) return []
  const single = `${indent}/** ${only} */`
  if (texts.length === 1 && single.length <= MAX_WIDTH) return [single]
  const width = MAX_WIDTH - indent.length - 3
  const lines = texts.flatMap((text) => wrapped(text, width))
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`]
}

/** `@` begins a tag or a directive, `*` and `/` together end the comment. */
function harmless(text: string): string {
  return plainText(text).replaceAll('*/', '*\\/').replaceAll('@', '\\@')
}

/** Breaks at spaces; what has none is left long. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
