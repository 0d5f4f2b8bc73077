/** Something that must stay true and is not. */
export class Violation extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Violation'
  }
}

export function must(isTrue: boolean, message: () => string): asserts isTrue {
  if (!isTrue) throw new Violation(message())
}

/** Two values that must be the same, as JSON. Of long ones the message has what is around the first difference. */
export function mustEqual(found: unknown, expected: unknown, what: () => string): void {
  const [a, b] = [JSON.stringify(found) ?? 'nothing', JSON.stringify(expected) ?? 'nothing']
  if (a === b) return
  let at = 0
  while (a[at] === b[at]) at++
  throw new Violation(`${what()}: found ${excerpt(a, at)}, expected ${excerpt(b, at)}`)
}

const MOST_CHARACTERS = 400

function excerpt(text: string, at: number): string {
  if (text.length <= MOST_CHARACTERS) return text
  const from = Math.max(0, at - MOST_CHARACTERS / 4)
  const to = from + MOST_CHARACTERS
  return `${from > 0 ? '…' : ''}${text.slice(from, to)}${to < text.length ? '…' : ''}`
}
