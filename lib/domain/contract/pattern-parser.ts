/** Bounds the work per character. `{m,n}` is written out, so that it counts n times. */
export const MAX_PATTERN_STATES = 1_000

/** Why a pattern is not taken; its message is for the author. */
export class Refusal extends Error {}

/** One atom: a class, an escape or a single character (of two code units, too). */
const ATOM = new RegExp(
  [
    String.raw`^(?:\[(?:\\.|[^\]\\])*\]`,
    String.raw`\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}`,
    String.raw`\\u\{[^}]*\}`,
    String.raw`\\u[0-9A-Fa-f]{4}`,
    String.raw`\\x[0-9A-Fa-f]{2}`,
    String.raw`\\[pP]\{[^}]*\}`,
    String.raw`\\c[A-Za-z]`,
    String.raw`\\.`,
    '.)',
  ].join('|'),
  'us',
)

/** The regular part of a pattern, as a tree. */
export type PatternNode =
  | { readonly kind: 'atom'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'anchor'; readonly at: 'start' | 'end' }
  | { readonly kind: 'sequence'; readonly nodes: readonly PatternNode[] }
  | { readonly kind: 'alternatives'; readonly nodes: readonly PatternNode[] }
  | {
      readonly kind: 'repeat'
      readonly node: PatternNode
      readonly min: number
      readonly max: number
    }

/** Takes apart a source that the regular-expression engine has already accepted. */
export class PatternParser {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  alternatives(): PatternNode {
    if (++this.#depth > 50) throw new Refusal('a pattern nests groups at most 50 deep')
    const nodes = [this.#sequence()]
    while (this.#take('|')) nodes.push(this.#sequence())
    this.#depth--
    return nodes.length === 1 ? nodes[0]! : { kind: 'alternatives', nodes }
  }

  #sequence(): PatternNode {
    const nodes: PatternNode[] = []
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at]!)) {
      nodes.push(this.#quantified(this.#term()))
    }
    return { kind: 'sequence', nodes }
  }

  #term(): PatternNode {
    if (this.#take('^')) return { kind: 'anchor', at: 'start' }
    if (this.#take('$')) return { kind: 'anchor', at: 'end' }
    if (this.#take('(')) return this.#group()
    return atomOf(this.#atomSource())
  }

  #group(): PatternNode {
    if (this.#take('?') && !this.#take(':')) {
      throw new Refusal(
        'a pattern may group with ( ) and (?: ), but not look around or name groups',
      )
    }
    const node = this.alternatives()
    this.#at++ // the engine has seen to it that this is ")"
    return node
  }

  #atomSource(): string {
    const start = this.#at
    const matched = ATOM.exec(this.#source.slice(start))![0]
    if (/^\\[1-9kbB]/.test(matched)) {
      throw new Refusal(`a pattern may not use ${matched}: no backreference, no word boundary`)
    }
    this.#at += matched.length
    return matched
  }

  #quantified(node: PatternNode): PatternNode {
    const matched = /^(?:[*+?]|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#source.slice(this.#at))
    if (matched === null) return node
    this.#at += matched[0].length
    const [min, max] = boundsOf(matched)
    if (
      min > MAX_PATTERN_STATES ||
      (max !== Number.POSITIVE_INFINITY && max > MAX_PATTERN_STATES)
    ) {
      throw new Refusal(
        `a pattern repeats at most ${MAX_PATTERN_STATES} times: use maxLength for more`,
      )
    }
    return { kind: 'repeat', node, min, max }
  }

  #take(character: string): boolean {
    if (this.#source[this.#at] !== character) return false
    this.#at++
    return true
  }
}

function boundsOf(matched: RegExpExecArray): [number, number] {
  const [text, min, comma, max] = matched
  if (text.startsWith('*')) return [0, Number.POSITIVE_INFINITY]
  if (text.startsWith('+')) return [1, Number.POSITIVE_INFINITY]
  if (text.startsWith('?')) return [0, 1]
  if (comma === undefined) return [Number(min), Number(min)]
  return [Number(min), max === '' ? Number.POSITIVE_INFINITY : Number(max)]
}

/** One character's test. The engine itself decides it, on one character: constant time. */
function atomOf(source: string): PatternNode {
  if (/^[^\\[.]$/u.test(source))
    return { kind: 'atom', accepts: (character) => character === source }
  const expression = new RegExp(`^${source}$`, 'u')
  const ascii = Array.from({ length: 128 }, (_, code) => expression.test(String.fromCharCode(code)))
  return {
    kind: 'atom',
    accepts: (character) => ascii[character.codePointAt(0)!] ?? expression.test(character),
  }
}
