import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'

/**
 * Everything that a run decides. Each decision has a name and draws from its own source of chance, so that leaving
 * one out leaves the others as they were: that is what makes a failing schedule shrink.
 */
export interface Choices {
  /** Whether something that belongs to the plain course happens: a record is sent, a shard is split. */
  includes(name: string): boolean
  /**
   * A deviation from the plain course: a fault, a slow call, a lost bell. Undefined is the plain course.
   * `alternatives` are what an exhaustive search tries; without them it does not look here.
   */
  deviate<T>(
    name: string,
    draw: (random: Random) => T | undefined,
    alternatives?: readonly T[],
  ): T | undefined
  /** Everyday variation that does not count as a deviation: latencies, sizes. */
  random(name: string): Random
}

/** All chance comes from the seed. */
export class SeededChoices implements Choices {
  /** What this run included and where it deviated, by name and in order. */
  readonly taken: string[] = []
  deviations = 0
  /** From here on nothing deviates. */
  isCalm = false
  readonly #seed: number
  readonly #only: ReadonlySet<string> | undefined

  /** With `only`, nothing else is included or deviates: a shrunk schedule. */
  constructor(seed: number, only?: ReadonlySet<string>) {
    this.#seed = seed
    this.#only = only
  }

  includes(name: string): boolean {
    if (this.#only?.has(name) === false) return false
    this.taken.push(name)
    return true
  }

  deviate<T>(name: string, draw: (random: Random) => T | undefined): T | undefined {
    if (this.isCalm || this.#only?.has(name) === false) return undefined
    const drawn = draw(this.random(name))
    if (drawn === undefined) return undefined
    this.taken.push(name)
    this.deviations++
    return drawn
  }

  random(name: string): Random {
    return seededRandom(this.#seed, hashOf(name))
  }
}

/** A place where a run could have deviated, and in how many ways. */
export interface Offer {
  readonly name: string
  readonly alternatives: number
}

/** The plain course but for the deviations given: the name of each and which of its alternatives. */
export class GivenChoices implements Choices {
  readonly offers: Offer[] = []
  readonly #given: ReadonlyMap<string, number>

  constructor(given: ReadonlyMap<string, number>) {
    this.#given = given
  }

  includes(): boolean {
    return true
  }

  deviate<T>(
    name: string,
    _draw: (random: Random) => T | undefined,
    alternatives: readonly T[] = [],
  ): T | undefined {
    if (alternatives.length > 0) this.offers.push({ name, alternatives: alternatives.length })
    const at = this.#given.get(name)
    return at === undefined ? undefined : alternatives[at]
  }

  random(name: string): Random {
    return seededRandom(0, hashOf(name))
  }
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  }
  return hash >>> 0
}

/** An integer in [from, to]. */
export function between(random: Random, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1))
}

export function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)]!
}
