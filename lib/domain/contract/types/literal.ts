import { escapeUnseen } from '../plain-text.ts'

/** A text as a literal, in the quotes that need fewer escapes. */
export function stringLiteral(text: string): string {
  const quoted = escapeUnseen(JSON.stringify(text))
  const inner = quoted.slice(1, -1).replaceAll('\\"', '"')
  const count = (quote: string) => inner.split(quote).length
  const quote = count("'") > count('"') ? '"' : "'"
  return `${quote}${inner.replaceAll(quote, `\\${quote}`)}${quote}`
}
