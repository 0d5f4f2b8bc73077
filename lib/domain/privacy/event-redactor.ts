/**
 * Takes an event's text apart: what may be stored as it is, and what must be sealed. Works on bytes that are known to be
 * one JSON object with an object `data`, and keeps the exact text of everything.
 */
export class EventRedactor {
  readonly #attributes: NameTable
  readonly #fields: NameTable
  readonly #fates: readonly Fate[]
  /** Where each sealed field's value stands in the event that was taken apart last; -1 where it is absent. */
  readonly valueStarts: Int32Array
  readonly valueEnds: Int32Array
  /** Members that nobody knows, name and value, of `data` and of the event: pairs of places. */
  readonly unknownData: number[] = []
  readonly unknownAttributes: number[] = []
  /** Where the event's text ends in the output: its last byte is the closing brace. */
  at = 0
  #in: Buffer = Buffer.alloc(0)
  #out: Buffer = Buffer.alloc(0)

  /**
   * @param fields every field of `data` that the contract knows
   * @param sealed those that are sealed; the first is the subject, for which its token stands
   */
  constructor(fields: readonly string[], sealed: readonly string[]) {
    this.#attributes = new NameTable([...CLEAR_ATTRIBUTES])
    this.#fields = new NameTable(fields)
    this.#fates = fields.map((name) => (sealed.includes(name) ? sealed.indexOf(name) : CLEAR))
    this.valueStarts = new Int32Array(sealed.length)
    this.valueEnds = new Int32Array(sealed.length)
  }

  /**
   * Writes what may be stored from a place of the output on, which must have room for the text and the token twice over.
   *
   * @param token in quotes; absent where there is none
   */
  redact(
    input: Buffer,
    start: number,
    output: Buffer,
    to: number,
    token: Uint8Array | undefined,
  ): void {
    this.#in = input
    this.#out = output
    this.at = to
    this.unknownData.length = 0
    this.unknownAttributes.length = 0
    this.valueStarts.fill(-1)
    this.#object(this.#space(start), true, token)
  }

  /** An object from its opening brace to behind its closing one. */
  #object(open: number, isEvent: boolean, token: Uint8Array | undefined): number {
    const bytes = this.#in
    const names = isEvent ? this.#attributes : this.#fields
    // What is kept and not yet copied begins here; -1 if nothing is.
    let pending = open
    let keptEnd = open + 1
    let hasKept = false
    let at = this.#space(open + 1)
    while (bytes[at] !== CLOSE) {
      const nameStart = at
      at = this.#endOfString(at)
      const position = names.find(bytes, nameStart, at)
      const valueStart = this.#space(this.#space(at) + 1)
      const isData = isEvent && position === DATA && bytes[valueStart] === OPEN
      const fate = this.#fateOf(position, isEvent, isData)
      if (fate === CLEAR || (fate === SUBJECT && token !== undefined)) {
        if (pending < 0) {
          if (hasKept) this.#out[this.at++] = COMMA
          pending = nameStart
        }
        hasKept = true
      } else if (pending >= 0) {
        this.#copy(pending, keptEnd)
        pending = -1
      }
      if (isData) {
        this.#copy(pending, valueStart)
        pending = -1
        // Of two members with one name the last one counts.
        this.valueStarts.fill(-1)
        this.unknownData.length = 0
        at = this.#object(valueStart, false, token)
      } else {
        at = this.#endOfValue(valueStart)
      }
      if (fate === UNKNOWN) {
        ;(isEvent ? this.unknownAttributes : this.unknownData).push(nameStart, at)
      } else if (fate >= SUBJECT) {
        this.valueStarts[fate] = valueStart
        this.valueEnds[fate] = at
        if (fate === SUBJECT && token !== undefined) {
          this.#copy(pending, valueStart)
          pending = -1
          this.#out.set(token, this.at)
          this.at += token.length
        }
      }
      keptEnd = at
      at = this.#space(at)
      if (bytes[at] === COMMA) at = this.#space(at + 1)
    }
    if (pending >= 0) this.#copy(pending, keptEnd)
    this.#out[this.at++] = CLOSE
    return at + 1
  }

  /** `data` that is no object is not the one that was judged. */
  #fateOf(position: number, isEvent: boolean, isData: boolean): Fate {
    if (position < 0 || (isEvent && position === DATA && !isData)) return UNKNOWN
    return isEvent ? CLEAR : this.#fates[position]!
  }

  #copy(from: number, to: number): void {
    const bytes = this.#in
    const out = this.#out
    let at = this.at
    if (to - from < SHORT) for (let i = from; i < to; i++) out[at++] = bytes[i]!
    else {
      out.set(bytes.subarray(from, to), at)
      at += to - from
    }
    this.at = at
  }

  #space(at: number): number {
    const bytes = this.#in
    for (;;) {
      const byte = bytes[at]
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
      at++
    }
  }

  /** Behind the string that begins here. */
  #endOfString(start: number): number {
    const bytes = this.#in
    let at = start + 1
    for (let long = at + LONG; ; ) {
      const byte = bytes[at]
      if (byte === QUOTE) return at + 1
      at += byte === BACKSLASH ? 2 : 1
      if (at < long) continue
      // The quote behind a backslash may be part of the text: then on as before.
      const quote = bytes.indexOf(QUOTE, at)
      if (bytes[quote - 1] !== BACKSLASH) return quote + 1
      long = Number.POSITIVE_INFINITY
    }
  }

  /** Behind the value that begins here. */
  #endOfValue(start: number): number {
    const bytes = this.#in
    const first = bytes[start]!
    if (first === QUOTE) return this.#endOfString(start)
    let at = start
    if (first !== OPEN && first !== OPEN_LIST) {
      for (;;) {
        const byte = bytes[at]!
        if (byte === COMMA || byte === CLOSE || byte === CLOSE_LIST || byte <= 0x20) return at
        at++
      }
    }
    for (let depth = 0; ; ) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        at = this.#endOfString(at)
        continue
      }
      if (byte === OPEN || byte === OPEN_LIST) depth++
      else if ((byte === CLOSE || byte === CLOSE_LIST) && --depth === 0) return at + 1
      at++
    }
  }
}

/**
 * Attributes of an event that say nothing about its person; `data` is the last. Whatever else stands beside them, such as
 * CloudEvents' own `subject`, may be anything.
 */
const CLEAR_ATTRIBUTES = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'datacontenttype',
  'dataschema',
  'traceparent',
  'tracestate',
  'data',
] as const
const DATA = CLEAR_ATTRIBUTES.indexOf('data')

/** What becomes of a member: the place among the sealed ones, or one of these. */
type Fate = number
const SUBJECT = 0
const CLEAR = -1
const UNKNOWN = -2

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN = 0x7b
const CLOSE = 0x7d
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
/** So few bytes are copied one by one sooner than by a call. */
const SHORT = 24
/** A string that is longer is searched for its end by a call. */
const LONG = 48

/** Finds a name by its bytes, quotes included. */
class NameTable {
  readonly #names: readonly Buffer[]
  readonly #texts: ReadonlyMap<string, number>
  /** The names come in the same order mostly: what is asked for is the one behind the last. */
  #next = 0

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => Buffer.from(JSON.stringify(name)))
    this.#texts = new Map(names.map((name, position) => [name, position]))
  }

  /** Its position, or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const next = this.#next
    const count = this.#names.length
    for (let i = 0; i < count; i++) {
      const position = next + i < count ? next + i : next + i - count
      if (isAt(this.#names[position]!, bytes, start, end)) {
        this.#next = position + 1 === count ? 0 : position + 1
        return position
      }
    }
    // The same name may be written with escapes.
    let hasEscape = false
    for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) hasEscape = true
    if (!hasEscape) return -1
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString()
    return this.#texts.get(JSON.parse(text)) ?? -1
  }
}

function isAt(name: Buffer, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = name
  if (end - start !== length) return false
  for (let i = length - 2; i > 0; i--) if (name[i] !== bytes[start + i]) return false
  return true
}
