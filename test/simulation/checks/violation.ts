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

/** Two values that must be the same, as JSON. */
export function mustEqual(found: unknown, expected: unknown, what: () => string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Violation(`${what()}: found ${a}, expected ${b}`)
}
