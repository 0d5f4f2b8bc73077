import { compilePattern, type Pattern } from '#lib/domain/contract/pattern.ts'
import { type PatternNode, PatternParser } from '#lib/domain/contract/pattern-parser.ts'
import type { ByteMemory } from './byte-memory.ts'

/**
 * A contract's pattern as a table that is walked byte by byte: the same language as `compilePattern`, whose
 * set-of-states run is the oracle. States are made as texts need them, up to a bound; past it, and for a text
 * that is not ASCII, the oracle itself decides. Linear in the text either way.
 */
export interface Automaton {
  /** Whether the pattern occurs in the string at this place. */
  test(memory: ByteMemory, start: number, length: number): boolean
}

/** An automaton that met this many different sets of states goes back to the oracle. */
const MAX_STATES = 500
const CHARACTERS = 128
const UNKNOWN = -1
/** Once the pattern occurred, nothing behind it matters. */
const FOUND = -2
const NON_ASCII = -3

type State =
  | { readonly kind: 'atom'; readonly next: (character: string) => boolean; readonly to: number }
  | { readonly kind: 'anchor'; readonly at: 'start' | 'end'; readonly to: number }
  | { readonly kind: 'split'; readonly to: number[] }
  | { readonly kind: 'match' }

/** `undefined` if it is no pattern that a contract may have. */
export function textAutomaton(source: string): Automaton | undefined {
  const compiled = compilePattern(source)
  if (!compiled.ok) return undefined
  return new LazyAutomaton(compiled.pattern, new PatternParser(source).alternatives())
}

class LazyAutomaton implements Automaton {
  readonly #oracle: Pattern
  readonly #program: State[] = []
  readonly #start: number
  /** Sets of program states by what they contain, and the table rows that belong to them. */
  readonly #sets = new Map<string, number>()
  readonly #members: number[][] = []
  #table = new Int32Array(16 * CHARACTERS).fill(UNKNOWN)
  #endsWell: (boolean | undefined)[] = []
  /** The pattern occurs before the first character already. */
  readonly #isEverywhere: boolean

  constructor(oracle: Pattern, tree: PatternNode) {
    this.#oracle = oracle
    const match = this.#add({ kind: 'match' })
    this.#start = this.#emit(tree, match)
    const first = this.#closure([], { start: true, end: false })
    this.#stateOf(first)
    this.#isEverywhere = first.includes(match)
  }

  test(memory: ByteMemory, start: number, length: number): boolean {
    const { bytes } = memory
    if (this.#isEverywhere) return true
    if (length === 0) return this.#oracle.test('')
    let state = 0
    for (let at = start; at < start + length; at++) {
      const byte = bytes[at]!
      let next = byte < CHARACTERS ? this.#table[state * CHARACTERS + byte]! : NON_ASCII
      if (next === UNKNOWN) next = this.#step(state, byte)
      if (next === FOUND) return true
      if (next < 0) return this.#oracle.test(memory.text(start, start + length))
      state = next
    }
    const endsWell = this.#endsWell[state] ?? this.#matchesAtEnd(state)
    this.#endsWell[state] = endsWell
    return endsWell
  }

  /** Whether the pattern is complete when the text ends here. */
  #matchesAtEnd(state: number): boolean {
    const closed = this.#closure(this.#members[state]!, { start: false, end: true })
    return closed.some((place) => this.#program[place]!.kind === 'match')
  }

  #step(state: number, byte: number): number {
    const character = String.fromCharCode(byte)
    const moved: number[] = []
    for (const place of this.#members[state]!) {
      const step = this.#program[place]!
      if (step.kind === 'atom' && step.next(character)) moved.push(step.to)
    }
    const closed = this.#closure(moved, { start: false, end: false })
    const found = closed.some((place) => this.#program[place]!.kind === 'match')
    const next = found ? FOUND : this.#stateOf(closed)
    if (next !== NON_ASCII) this.#table[state * CHARACTERS + byte] = next
    return next
  }

  #stateOf(places: number[]): number {
    const key = places.join(',')
    const known = this.#sets.get(key)
    if (known !== undefined) return known
    const state = this.#members.length
    if (state >= MAX_STATES) return NON_ASCII
    this.#sets.set(key, state)
    this.#members.push(places)
    if ((state + 1) * CHARACTERS > this.#table.length) {
      const wider = new Int32Array(this.#table.length * 2).fill(UNKNOWN)
      wider.set(this.#table)
      this.#table = wider
    }
    return state
  }

  /** Everything reachable without reading a character; a match may begin at every place. */
  #closure(from: readonly number[], here: { start: boolean; end: boolean }): number[] {
    const reached = new Set<number>()
    const pending = [...from, this.#start]
    for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
      if (reached.has(place)) continue
      reached.add(place)
      const step = this.#program[place]!
      if (step.kind === 'split') pending.push(...step.to)
      else if (step.kind === 'anchor' && here[step.at]) pending.push(step.to)
    }
    return [...reached].sort((a, b) => a - b)
  }

  #add(state: State): number {
    return this.#program.push(state) - 1
  }

  /** Writes a node so that it goes on to `to`; returns where it begins. */
  #emit(node: PatternNode, to: number): number {
    switch (node.kind) {
      case 'atom':
        return this.#add({ kind: 'atom', next: node.accepts, to })
      case 'anchor':
        return this.#add({ kind: 'anchor', at: node.at, to })
      case 'sequence':
        return node.nodes.reduceRight((next, part) => this.#emit(part, next), to)
      case 'alternatives':
        return this.#add({ kind: 'split', to: node.nodes.map((part) => this.#emit(part, to)) })
      case 'repeat':
        return this.#emitRepeat(node, to)
    }
  }

  #emitRepeat(node: Extract<PatternNode, { kind: 'repeat' }>, to: number): number {
    let next = to
    if (node.max === Number.POSITIVE_INFINITY) {
      const loop: number[] = [to]
      next = this.#add({ kind: 'split', to: loop })
      loop.push(this.#emit(node.node, next))
    } else {
      for (let i = node.min; i < node.max; i++) {
        next = this.#add({ kind: 'split', to: [to, this.#emit(node.node, next)] })
      }
    }
    for (let i = 0; i < node.min; i++) {
      const before = this.#program.length
      next = this.#emit(node.node, next)
      // Nothing, a thousand times nested, would otherwise take for ever.
      if (this.#program.length === before) break
    }
    return next
  }
}
