import { MAX_PATTERN_STATES, type PatternNode, PatternParser, Refusal } from './pattern-parser.ts'

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
  try {
    const program = patternProgram(source)
    return { ok: true, pattern: { test: (text) => run(program, text) } }
  } catch (error) {
    if (error instanceof Refusal) return refuse(error.message)
    throw error
  }
}

function refuse(problem: string): PatternResult {
  return { ok: false, problem }
}

/** A step of a pattern's machine: it goes on with the next one, or with its targets. The last one is the match. */
export type State =
  | { readonly kind: 'atom'; readonly accepts: (character: string) => boolean }
  | { readonly kind: 'anchor'; readonly at: 'start' | 'end' }
  | { readonly kind: 'split'; targets: number[] }
  | { readonly kind: 'match' }

/** The machine of a pattern that {@link compilePattern} takes; it begins at 0. */
export function patternProgram(source: string): readonly State[] {
  const program: State[] = []
  emit(new PatternParser(source).alternatives(), program)
  program.push({ kind: 'match' })
  return program
}

function emit(node: PatternNode, program: State[]): void {
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

function emitAlternatives(nodes: readonly PatternNode[], program: State[]): void {
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

function emitRepeat(node: PatternNode, min: number, max: number, program: State[]): void {
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
