/**
 * A pattern of a contract as a matcher whose time is linear in the text, whatever the pattern: the
 * regular part of ECMA-262 (no backreference, no look-around, no word boundary) as a set of states.
 */
export interface Pattern {
  /** As in JSON Schema: whether the pattern occurs anywhere; anchor it with ^ and $. */
  test(text: string): boolean
}

export type PatternResult =
  | { readonly ok: true; readonly pattern: Pattern }
  | { readonly ok: false; readonly problem: string }

export const MAX_PATTERN_LENGTH = 500
/** Bounds the work per character. `{m,n}` is written out, so that it counts n times. */
export const MAX_PATTERN_STATES = 1_000

/** Compiles a pattern, or says what it may not use. */
export function compilePattern(source: string): PatternResult {
  if (source.length > MAX_PATTERN_LENGTH) {
    return refuse(
      `a pattern has at most ${MAX_PATTERN_LENGTH} characters, this one ${source.length}`,
    )
  }
  try {
    new RegExp(source, 'u')
  } catch {
    return refuse('the pattern is no regular expression of ECMA-262 (with the u flag)')
  }
  const parser = new Parser(source)
  try {
    const tree = parser.alternatives()
    const program: State[] = []
    emit(tree, program)
    program.push({ kind: 'match' })
    return { ok: true, pattern: { test: (text) => run(program, text) } }
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message)
    throw error
  }
}

class Refusal extends Error {}

function refuse(problem: string): PatternResult {
  return { ok: false, problem }
}

type Node =
  | { readonly kind: 'atom'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'anchor'; readonly at: 'start' | 'end' }
  | { readonly kind: 'sequence'; readonly nodes: readonly Node[] }
  | { readonly kind: 'alternatives'; readonly nodes: readonly Node[] }
  | { readonly kind: 'repeat'; readonly node: Node; readonly min: number; readonly max: number }

/** Takes apart a source that the regular-expression engine has already accepted. */
class Parser {
  readonly #source: string
  #at = 0
  #depth = 0

  constructor(source: string) {
    this.#source = source
  }

  alternatives(): Node {
    if (++this.#depth > 50) throw new Refusal('a pattern nests groups at most 50 deep')
    const nodes = [this.#sequence()]
    while (this.#take('|')) nodes.push(this.#sequence())
    this.#depth--
    return nodes.length === 1 ? nodes[0]! : { kind: 'alternatives', nodes }
  }

  #sequence(): Node {
    const nodes: Node[] = []
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at]!)) {
      nodes.push(this.#quantified(this.#term()))
    }
    return { kind: 'sequence', nodes }
  }

  #term(): Node {
    if (this.#take('^')) return { kind: 'anchor', at: 'start' }
    if (this.#take('$')) return { kind: 'anchor', at: 'end' }
    if (this.#take('(')) return this.#group()
    return atomOf(this.#atomSource())
  }

  #group(): Node {
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
    const rest = this.#source.slice(start)
    const matched =
      /^(?:\[(?:\\[^]|[^\]\\])*\]|\\u[dD][89abAB][0-9A-Fa-f]{2}\\u[dD][c-fC-F][0-9A-Fa-f]{2}|\\u\{[^}]*\}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[pP]\{[^}]*\}|\\c[A-Za-z]|\\[^]|[^])/u.exec(
        rest,
      )![0]
    if (/^\\[1-9kbB]/.test(matched)) {
      throw new Refusal(`a pattern may not use ${matched}: no backreference, no word boundary`)
    }
    this.#at += matched.length
    return matched
  }

  #quantified(node: Node): Node {
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
function atomOf(source: string): Node {
  if (/^[^\\[.]$/u.test(source))
    return { kind: 'atom', accepts: (character) => character === source }
  const expression = new RegExp(`^${source}$`, 'u')
  const ascii = Array.from({ length: 128 }, (_, code) => expression.test(String.fromCharCode(code)))
  return {
    kind: 'atom',
    accepts: (character) => ascii[character.codePointAt(0)!] ?? expression.test(character),
  }
}

type State =
  | { readonly kind: 'atom'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'anchor'; readonly at: 'start' | 'end' }
  | { readonly kind: 'split'; targets: number[] }
  | { readonly kind: 'match' }

function emit(node: Node, program: State[]): void {
  if (program.length > MAX_PATTERN_STATES) {
    throw new Refusal(`a pattern written out has at most ${MAX_PATTERN_STATES} places`)
  }
  switch (node.kind) {
    case 'atom':
    case 'anchor':
      program.push(node)
      return
    case 'sequence':
      for (const part of node.nodes) emit(part, program)
      return
    case 'alternatives':
      emitAlternatives(node.nodes, program)
      return
    case 'repeat':
      emitRepeat(node.node, node.min, node.max, program)
  }
}

function emitAlternatives(nodes: readonly Node[], program: State[]): void {
  const split: State = { kind: 'split', targets: [] }
  program.push(split)
  const ends: { targets: number[] }[] = []
  for (const alternative of nodes) {
    split.targets.push(program.length)
    emit(alternative, program)
    const end = { kind: 'split' as const, targets: [] as number[] }
    ends.push(end)
    program.push(end)
  }
  for (const end of ends) end.targets.push(program.length)
}

function emitRepeat(node: Node, min: number, max: number, program: State[]): void {
  for (let i = 0; i < min; i++) {
    const before = program.length
    emit(node, program)
    // Nothing, a thousand times nested, would otherwise take for ever.
    if (program.length === before) break
  }
  if (max === Number.POSITIVE_INFINITY) {
    const split: State = { kind: 'split', targets: [program.length + 1] }
    const start = program.push(split) - 1
    emit(node, program)
    program.push({ kind: 'split', targets: [start] })
    split.targets.push(program.length)
    return
  }
  const optional: { targets: number[] }[] = []
  for (let i = min; i < max; i++) {
    const split = { kind: 'split' as const, targets: [program.length + 1] }
    optional.push(split)
    program.push(split)
    emit(node, program)
  }
  for (const split of optional) split.targets.push(program.length)
}

/** All states at once, character by character: at most states x characters steps. */
function run(program: readonly State[], text: string): boolean {
  const characters = Array.from(text)
  let current: number[] = []
  for (let position = 0; ; position++) {
    const active = new Uint8Array(program.length)
    const here = {
      active,
      reached: [] as number[],
      start: position === 0,
      end: position === characters.length,
    }
    for (const state of current) follow(program, state, here)
    follow(program, 0, here) // a match may begin at every position
    if (active[program.length - 1] === 1) return true
    if (here.end) return false
    const character = characters[position]!
    current = []
    for (const state of here.reached) {
      const step = program[state]!
      if (step.kind === 'atom' && step.accepts(character)) current.push(state + 1)
    }
  }
}

interface Position {
  readonly active: Uint8Array
  readonly reached: number[]
  readonly start: boolean
  readonly end: boolean
}

function follow(program: readonly State[], from: number, here: Position): void {
  const pending = [from]
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (here.active[state] === 1) continue
    here.active[state] = 1
    here.reached.push(state)
    const step = program[state]!
    if (step.kind === 'split') pending.push(...step.targets)
    else if (step.kind === 'anchor' && here[step.at]) pending.push(state + 1)
  }
}
