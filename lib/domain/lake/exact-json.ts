/**
 * JSON without loss: snapshot ids of other engines have 63 bits, which JavaScript's numbers do not hold.
 */

interface ExactJson {
  parse(
    text: string,
    revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown
  rawJSON(text: string): unknown
}

// TypeScript's library does not know these two yet; Node does since 21.
const exact = JSON as unknown as ExactJson

/** Integers beyond 2^53 become bigint; any other number that would change its text is carried as it was. */
export function parseExact(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value
    // A large double can print the very digits it was read from and still be another integer: 796681407589784200
    // is held as …192. So the text proves a number unchanged only where doubles hold every integer.
    const isHeld = Number.isSafeInteger(value) || !Number.isInteger(value)
    if (isHeld && String(value) === source) return value
    return /^-?\d+$/.test(source) ? BigInt(source) : exact.rawJSON(source)
  })
}

/** The inverse of {@link parseExact}; bigint becomes a plain number. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === 'bigint' ? exact.rawJSON(String(part)) : part,
  )
}
