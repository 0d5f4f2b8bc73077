import { patternProgram, type State } from '../pattern.ts'

/** What a class of characters is tried with, the most readable first. */
const READABLE = Array.from(
  'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.@/: ,;+*#%&=!?$^~()[]{}<>|\'"`\\\t\n',
)
const LAST_CODE_POINT = 0x10_ffff
/** Lengths that are tried past the least one, and texts of each. */
const MAX_LENGTHS = 64
const MAX_TEXTS = 64

interface Step {
  readonly before: Step | undefined
  /** The characters that may stand there. */
  readonly characters: readonly string[]
}

/**
 * Texts that match a pattern and have so many characters, the shortest first; none if there is none of a near length. Each
 * length has one way through the pattern, and texts that differ by its characters.
 */
export function* patternTexts(
  pattern: string,
  minLength: number,
  maxLength: number,
): Generator<string> {
  const program = patternProgram(pattern)
  const charactersOf = characterFinder()
  let layer = new Map<string, Place>([['before:false', { at: 'before', ended: false }]])
  for (let length = 0; length <= Math.min(maxLength, minLength + MAX_LENGTHS); length++) {
    const closed = closure(program, layer, length)
    if (length >= minLength) {
      const match = [...closed.values()].find((place) => place.at === 'after')
      if (match !== undefined) yield* textsOf(match.step)
    }
    layer = advance(program, closed, charactersOf)
  }
}

/** Where a text may stand in the pattern: before what matches, at a state, after it. */
interface Place {
  readonly at: 'before' | 'after' | number
  /** Past the anchor of the end: nothing may follow. */
  readonly ended: boolean
  readonly step?: Step | undefined
}

/** All places that are reached without a character. The first way to a place is kept. */
function closure(
  program: readonly State[],
  layer: ReadonlyMap<string, Place>,
  length: number,
): Map<string, Place> {
  const reached = new Map<string, Place>()
  const pending = [...layer.values()]
  for (let place = pending.shift(); place !== undefined; place = pending.shift()) {
    const key = keyOf(place)
    if (reached.has(key)) continue
    reached.set(key, place)
    const { at } = place
    const go = (to: Place['at'], ended = place.ended) => pending.push({ ...place, at: to, ended })
    if (at === 'before') go(0)
    if (typeof at !== 'number') continue
    const state = program[at]!
    if (state.kind === 'split') for (const target of state.targets) go(target)
    else if (state.kind === 'match') go('after')
    else if (state.kind === 'anchor' && state.at === 'end') go(at + 1, true)
    else if (state.kind === 'anchor' && length === 0) go(at + 1)
  }
  return reached
}

function advance(
  program: readonly State[],
  places: ReadonlyMap<string, Place>,
  charactersOf: (state: Atom) => readonly string[],
): Map<string, Place> {
  const next = new Map<string, Place>()
  for (const { at, ended, step } of places.values()) {
    if (ended) continue
    const state = typeof at === 'number' ? program[at]! : undefined
    const characters =
      state === undefined ? READABLE : state.kind === 'atom' ? charactersOf(state) : []
    if (characters.length === 0) continue
    const place: Place = {
      at: typeof at === 'number' ? at + 1 : at,
      ended,
      step: { before: step, characters },
    }
    if (!next.has(keyOf(place))) next.set(keyOf(place), place)
  }
  return next
}

function keyOf({ at, ended }: Place): string {
  return `${at}:${ended}`
}

/** The texts of a way through the pattern: its last characters change first. */
function* textsOf(last: Step | undefined): Generator<string> {
  const steps: Step[] = []
  for (let step = last; step !== undefined; step = step.before) steps.push(step)
  const total = steps.reduce(
    (product, { characters }) => Math.min(product * characters.length, MAX_TEXTS),
    1,
  )
  for (let number = 0; number < total; number++) {
    let rest = number
    let text = ''
    for (const { characters } of steps) {
      text = characters[rest % characters.length]! + text
      rest = Math.floor(rest / characters.length)
    }
    yield text
  }
}

type Atom = Extract<State, { kind: 'atom' }>

/** The readable characters that an atom takes; if it takes none of them, the first that it does. */
function characterFinder(): (state: Atom) => readonly string[] {
  const known = new Map<Atom['accepts'], readonly string[]>()
  return ({ accepts }) => {
    const found = known.get(accepts) ?? charactersFor(accepts)
    known.set(accepts, found)
    return found
  }
}

function charactersFor(accepts: Atom['accepts']): readonly string[] {
  const readable = READABLE.filter(accepts)
  if (readable.length > 0) return readable
  for (let code = 0; code <= LAST_CODE_POINT; code++) {
    const character = String.fromCodePoint(code)
    if (character.isWellFormed() && accepts(character)) return [character]
  }
  return []
}
