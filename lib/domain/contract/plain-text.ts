/** Controls, marks of direction, what has no character: none of them may hide in a text that people read. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029]/gu

/** A contract's text on one line, as it reads: what cannot be seen is written as its escape. */
export function plainText(text: string): string {
  return escapeUnseen(text.replace(/\s+/gu, ' ').trim())
}

/** The same text with what cannot be seen written as JavaScript and JSON escape it. */
export function escapeUnseen(text: string): string {
  return text.replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, at) => {
      return `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`
    }).join(''),
  )
}
