/** Scans of JSON text that mind its strings but build no values: what must keep its exact characters. */

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c

export function isJsonSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

/** The exact text of each element of an array that is known to be valid JSON, without the space around it. */
export function elementsOf(text: string): string[] {
  const elements: string[] = []
  let depth = 0
  let start = -1
  let end = -1
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isJsonSpace(code)) continue
    if (isClosing(code)) depth--
    if (depth === 0 && end !== -1) break // the closing bracket of the array itself
    if (depth === 1 && code === COMMA) {
      elements.push(text.slice(start, end))
      start = -1
      continue
    }
    if (depth > 0 && start === -1) start = i
    if (isOpening(code)) depth++
    if (code === QUOTE) i = endOfString(text, i)
    end = i + 1
  }
  if (start !== -1) elements.push(text.slice(start, end))
  return elements
}

/** Whether objects and arrays nest deeper than this; the text need not be valid. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) i = endOfString(text, i)
    else if (isOpening(code) && ++depth > limit) return true
    else if (isClosing(code)) depth--
  }
  return false
}

/** The place of the quote that ends the string begun here; of an endless one, the end of the text. */
function endOfString(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && text.charCodeAt(i) !== QUOTE) {
    i += text.charCodeAt(i) === BACKSLASH ? 2 : 1
  }
  return i
}

function isOpening(code: number): boolean {
  return code === 0x5b || code === 0x7b
}

function isClosing(code: number): boolean {
  return code === 0x5d || code === 0x7d
}
