import { escapeUnseen, plainText } from '../plain-text.ts'

/** What Markdown or HTML would take for more than a character, anywhere in a line. */
const MEANINGFUL = /[\\`*_{}[\]<>#|~&$]/g
/** What begins something at the start of a line: a list, a heading, a rule. */
const BEGINNING = /^(?:[-+=]|\d{1,9}(?=[.)]))/

/** A text of a contract on one line, read as it stands: nothing in it is markup. */
export function inline(text: string): string {
  return plainText(text).replace(MEANINGFUL, '\\$&')
}

/** A text of a contract as a paragraph of its own; empty for an empty one. */
export function paragraph(text: string): string {
  return inline(text).replace(BEGINNING, (start) =>
    /\d/.test(start) ? `${start}\\` : `\\${start}`,
  )
}

/** A text as code, in a table too; spaces in it stay. */
export function code(text: string): string {
  const plain = escapeUnseen(text)
  if (plain.trim() !== '' && !/[`|]/.test(plain)) return `\`${plain}\``
  // A code span cannot hold every text in every place; an element with entities can.
  const entities = plain.replace(/[!-/:-@[-`{-~]/g, (sign) => `&#${sign.charCodeAt(0)};`)
  return `<code>${entities}</code>`
}

/** A table; its cells are Markdown on one line. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

/** A block of code; no text of the block ends it. */
export function codeBlock(language: string, text: string): string {
  const longest = Math.max(2, ...Array.from(text.matchAll(/`+/g), ([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${text}\n${fence}`
}
