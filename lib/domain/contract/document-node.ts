import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { nearestName } from './weir-properties.ts'

export type DocumentPath = readonly (string | number)[]

/** What is wrong at a place of the document, and what to write instead. */
export interface DocumentProblem {
  readonly path: DocumentPath
  /** Whether the key is at fault rather than its value. */
  readonly atKey: boolean
  readonly message: string
}

const MAX_PROBLEMS = 50

/** Thrown inside the compiler when nobody would read further problems. */
export class TooManyProblems extends Error {}

/** A place in the document: reads what is there, and notes what should be. */
export class DocumentNode {
  readonly value: JsonValue | undefined
  readonly path: DocumentPath
  readonly #problems: DocumentProblem[]

  constructor(value: JsonValue | undefined, path: DocumentPath, problems: DocumentProblem[]) {
    this.value = value
    this.path = path
    this.#problems = problems
  }

  problem(message: string, options: { atKey?: boolean } = {}): undefined {
    if (this.#problems.length >= MAX_PROBLEMS) throw new TooManyProblems()
    this.#problems.push({ path: this.path, atKey: options.atKey ?? false, message })
  }

  get isAbsent(): boolean {
    return this.value === undefined
  }

  get(key: string): DocumentNode {
    const object = isObject(this.value) && Object.hasOwn(this.value, key) ? this.value : undefined
    return new DocumentNode(object?.[key], [...this.path, key], this.#problems)
  }

  /** The text, or undefined if absent; anything else is a problem. */
  text(what: string): string | undefined {
    if (this.value === undefined) return undefined
    if (typeof this.value === 'string' && this.value.trim() !== '') return this.value
    const quote = typeof this.value === 'number' ? `: put it in quotes, '${this.value}'` : ''
    return this.problem(`${what} must be a text, not ${shown(this.value)}${quote}`)
  }

  /** The text; absent is a problem too, and says what to add. */
  requiredText(what: string, add: string): string | undefined {
    if (this.value !== undefined) return this.text(what)
    return this.problem(`${what} is missing: add ${add}`)
  }

  boolean(what: string): boolean | undefined {
    if (this.value === undefined || typeof this.value === 'boolean') return this.value
    return this.problem(`${what} must be true or false, not ${shown(this.value)}`)
  }

  integer(what: string, minimum: number, maximum: number): number | undefined {
    const { value } = this
    if (value === undefined) return undefined
    if (
      Number.isSafeInteger(value) &&
      (value as number) >= minimum &&
      (value as number) <= maximum
    ) {
      return value as number
    }
    return this.problem(
      `${what} must be a whole number from ${minimum} to ${maximum}, not ${shown(value)}`,
    )
  }

  /** The members of a list; an absent list has none. */
  items(what: string): DocumentNode[] {
    if (this.value === undefined) return []
    if (Array.isArray(this.value)) {
      return this.value.map(
        (item, index) => new DocumentNode(item, [...this.path, index], this.#problems),
      )
    }
    this.problem(`${what} must be a list, not ${shown(this.value)}`)
    return []
  }

  /** Whether an object is here; its keys must be among the known ones, if any are given. */
  object(what: string, known?: readonly string[]): boolean {
    if (!isObject(this.value)) {
      if (this.value !== undefined)
        this.problem(`${what} must be a mapping, not ${shown(this.value)}`)
      return false
    }
    for (const key of known === undefined ? [] : Object.keys(this.value)) {
      if (known!.includes(key)) continue
      const near = nearestName(key, known!)
      const advice =
        near === undefined ? `remove it, or move it to customProperties` : `write "${near}"`
      this.get(key).problem(`${what} has no key ${shown(key)}: ${advice}`, { atKey: true })
    }
    return true
  }
}

/** A value for a message: short, on one line. */
export function shown(value: JsonValue): string {
  if (Array.isArray(value)) return 'a list'
  if (isObject(value)) return 'a mapping'
  const text = JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

export function isObject(
  value: JsonValue | undefined,
): value is { readonly [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
