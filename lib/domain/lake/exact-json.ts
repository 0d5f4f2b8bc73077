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
  return parseMarked(text) ?? parseEach(text)
}

/** Every number looked at with its text: exact whatever stands there, and slow. */
function parseEach(text: string): unknown {
  return exact.parse(text, (_key, value, { source }) => {
    if (typeof value !== 'number' || source === undefined) return value
    // A large double can print the very digits it was read from and still be another integer: 796681407589784200
    // is held as …192. So the text proves a number unchanged only where doubles hold every integer.
    const isHeld = Number.isSafeInteger(value) || !Number.isInteger(value)
    if (isHeld && String(value) === source) return value
    return /^-?[1-9]\d*$/.test(source) ? BigInt(source) : exact.rawJSON(source)
  })
}

const MARK = '\u0001'
const ESCAPED_MARK = '\\u0001'
const LONG_INTEGER = /([:,[]\s*|^)(-?[1-9]\d{15,})(?=\s*(?:[,}\]]|$))/g
/** A number with a fraction, an exponent or a signed zero, whose spelling a double would not keep; or text like one. */
const ODD_NUMBER = /(?:[:,[]|^)\s*-?(?:\d+[.eE]|(?<=-)0(?!\d))/

/**
 * Metadata has thousands of values, a few hundred of them ids, and is read with every commit: long integers are made
 * marked strings, which leaves the rest to the plain parser. Undefined where that could go wrong: odd numbers, or a
 * string that looks as if it held a long integer, which the quotes then break apart.
 */
function parseMarked(text: string): unknown {
  if (ODD_NUMBER.test(text) || text.includes(ESCAPED_MARK)) return undefined
  const marked = text.replace(LONG_INTEGER, `$1"${ESCAPED_MARK}$2"`)
  try {
    return unmarked(JSON.parse(marked))
  } catch {
    return undefined
  }
}

function unmarked(value: unknown): unknown {
  if (typeof value === 'string') return value[0] === MARK ? integerOf(value.slice(1)) : value
  if (typeof value !== 'object' || value === null) return value
  const parts = value as Record<string, unknown>
  for (const key of Object.keys(parts)) {
    const part = parts[key]
    if (typeof part === 'string' ? part[0] === MARK : typeof part === 'object') {
      parts[key] = unmarked(part)
    }
  }
  return parts
}

function integerOf(digits: string): number | bigint {
  const value = Number(digits)
  return Number.isSafeInteger(value) ? value : BigInt(digits)
}

/** The inverse of {@link parseExact}; bigint becomes a plain number. */
export function stringifyExact(value: unknown): string {
  return JSON.stringify(value, (_key, part) =>
    typeof part === 'bigint' ? exact.rawJSON(String(part)) : part,
  )
}
