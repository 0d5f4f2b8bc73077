import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'

/**
 * Everything that a run decides. Each decision has a name and draws from its own source of chance, so that leaving
 * one out leaves the others as they were: that is what makes a failing schedule shrink.
 */
export interface Choices {
  /**
   * A deviation from the plain course: a fault, a record sent, a split, a slow call. Undefined is the plain course.
   * The name must not depend on what other deviations there are.
   */
  deviate<T>(name: string, draw: (random: Random) => T | undefined): T | undefined
  /** Everyday variation that does not count as a deviation: latencies, sizes. */
  random(name: string): Random
}

/** All chance comes from the seed. */
export class SeededChoices implements Choices {
  /** Names of the deviations that this run took, in order. */
  readonly taken: string[] = []
  /** From here on nothing deviates but what has `always` in its name's first word. */
  isCalm = false
  readonly #seed: number
  readonly #only: ReadonlySet<string> | undefined

  /** With `only`, no other deviation is taken: a shrunk schedule. */
  constructor(seed: number, only?: ReadonlySet<string>) {
    this.#seed = seed
    this.#only = only
  }

  deviate<T>(name: string, draw: (random: Random) => T | undefined): T | undefined {
    if (this.isCalm || this.#only?.has(name) === false) return undefined
    const drawn = draw(this.random(name))
    if (drawn !== undefined) this.taken.push(name)
    return drawn
  }

  random(name: string): Random {
    return seededRandom(this.#seed, hashOf(name))
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
