import type { Column, FlatColumn } from '../../kernel/columns.ts'

/** Where the values of a leaf stand in its column: at `at`, or at all `count` positions from `first` on. */
export interface Positions {
  readonly first: number
  readonly count: number
  readonly at?: Int32Array
}

/** A leaf of some rows, in Parquet's terms: an entry for each value and for each place where there is none. */
export interface Shredded {
  readonly entries: number
  /** How much of the leaf's path is there; absent where all of it is everywhere. */
  readonly definition?: Int32Array
  /** The list that an entry goes on with, counted from outside; absent where the path has no list. */
  readonly repetition?: Int32Array
  readonly positions: Positions
}

/** A column on the way from the top to a leaf, which comes last. */
export interface PathStep {
  readonly column: Column
  readonly isRequired: boolean
}

/** Levels of a path: those at which an optional step is there or a list has an element. */
export function levelsOf(path: readonly PathStep[]): { definition: number; repetition: number } {
  const optional = path.filter((step) => !step.isRequired).length
  const repetition = path.filter(({ column }) => column.kind === 'list').length
  return { definition: optional + repetition, repetition }
}

/** The leaf of rows `from` to `to`. */
export function shred(path: readonly PathStep[], from: number, to: number): Shredded {
  const [only] = path
  if (path.length === 1) return shredFlat(only!.column as FlatColumn, from, to)
  let state = everyRow(from, to)
  for (const { column, isRequired } of path) {
    if (!isRequired) state = present(state, column.nulls)
    if (column.kind === 'list') state = elements(state, column.offsets)
  }
  return finish(state, levelsOf(path).repetition > 0)
}

function shredFlat({ nulls }: FlatColumn, from: number, to: number): Shredded {
  const entries = to - from
  const all = { entries, positions: { first: from, count: entries } }
  if (nulls === undefined) return all
  const definition = new Int32Array(entries)
  const at = new Int32Array(entries)
  let count = 0
  for (let i = 0; i < entries; i++) {
    const isThere = 1 - nulls[from + i]!
    definition[i] = isThere
    at[count] = from + i
    count += isThere
  }
  if (count === entries) return all
  return { entries, definition, positions: { first: 0, count, at: at.subarray(0, count) } }
}

/** The entries of a path so far. Those at the deepest level go on, at a position of the column that comes next. */
interface State {
  readonly entries: number
  readonly level: number
  readonly lists: number
  readonly definition: Int32Array
  readonly repetition: Int32Array
  readonly at: Int32Array
}

function everyRow(from: number, to: number): State {
  const entries = to - from
  const at = new Int32Array(entries)
  for (let i = 0; i < entries; i++) at[i] = from + i
  const top = new Int32Array(entries)
  return { entries, level: 0, lists: 0, definition: top, repetition: top, at }
}

/** One level deeper where the column has a value. */
function present(state: State, nulls: Uint8Array | undefined): State {
  const { entries, level, at } = state
  const definition = new Int32Array(entries)
  for (let i = 0; i < entries; i++) {
    const reached = state.definition[i]!
    const isDeeper = reached === level && (nulls === undefined || nulls[at[i]!] === 0)
    definition[i] = isDeeper ? reached + 1 : reached
  }
  return { ...state, definition, level: level + 1 }
}

/** An entry for each element, and one still for each list that has none. */
function elements(state: State, offsets: Int32Array): State {
  const { level } = state
  const lists = state.lists + 1
  let entries = 0
  for (let i = 0; i < state.entries; i++) {
    const row = state.at[i]!
    const isThere = state.definition[i] === level
    entries += isThere ? Math.max(1, offsets[row + 1]! - offsets[row]!) : 1
  }
  const definition = new Int32Array(entries)
  const repetition = new Int32Array(entries)
  const at = new Int32Array(entries)
  let next = 0
  for (let i = 0; i < state.entries; i++) {
    const row = state.at[i]!
    const isThere = state.definition[i] === level
    const length = isThere ? offsets[row + 1]! - offsets[row]! : 0
    definition[next] = length > 0 ? level + 1 : state.definition[i]!
    repetition[next] = state.repetition[i]!
    at[next++] = offsets[row]!
    for (let k = 1; k < length; k++) {
      definition[next] = level + 1
      repetition[next] = lists
      at[next++] = offsets[row]! + k
    }
  }
  return { entries, level: level + 1, lists, definition, repetition, at }
}

function finish(state: State, hasLists: boolean): Shredded {
  const { entries, level, definition, repetition } = state
  const at = new Int32Array(entries)
  let count = 0
  for (let i = 0; i < entries; i++) {
    at[count] = state.at[i]!
    if (definition[i] === level) count++
  }
  return {
    entries,
    ...(count === entries ? {} : { definition }),
    ...(hasLists ? { repetition } : {}),
    positions: { first: 0, count, at: at.subarray(0, count) },
  }
}
