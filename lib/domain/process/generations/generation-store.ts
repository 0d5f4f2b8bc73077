import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Generations } from './generations.ts'

/** The document and how often it was replaced. */
export interface StoredGenerations {
  readonly generations: Generations
  readonly revision: number
}

/** Where a product's generations are written down: beside its slots, in the same cell. */
export interface GenerationStore {
  /** Undefined as long as nobody has replayed anything: then there is one generation, the first. Strongly consistent. */
  load(): Promise<StoredGenerations | undefined>
  /**
   * Replaces the document if it still has the revision it was read with (undefined: is still absent). False: someone
   * else wrote, or this very call did before; read again and decide again.
   */
  save(generations: Generations, revisionRead: number | undefined): Promise<boolean>
}

const ATTEMPTS = 20

/**
 * Changes the document in one conditional write, from what it says then. `change` is asked again after each lost race
 * and each repeat of its own success, so it answers what is there once nothing is left to do.
 */
export async function changeGenerations(
  store: GenerationStore,
  change: (generations: Generations | undefined) => Generations | Promise<Generations>,
): Promise<Generations> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const stored = await store.load()
    const next = await change(stored?.generations)
    if (next === stored?.generations) return next
    if (await store.save(next, stored?.revision)) return next
  }
  throw new PlatformError(
    'replay.contended',
    'somebody else changes the generations of this product all the time: try again',
    { retryable: true },
  )
}

/** For readers that may be a moment behind: the document is read again once it is this old. */
export class RecentGenerations {
  readonly #store: GenerationStore
  readonly #nowMs: () => number
  readonly #lifetimeMs: number
  #known: { readonly generations: Generations | undefined; readonly readAtMs: number } | undefined

  constructor(
    store: GenerationStore,
    options: { readonly nowMs: () => number; readonly lifetimeMs: number },
  ) {
    this.#store = store
    this.#nowMs = options.nowMs
    this.#lifetimeMs = options.lifetimeMs
  }

  async current(): Promise<Generations | undefined> {
    // The time before the read: what was true then is believed for the lifetime and no longer.
    const readAtMs = this.#nowMs()
    if (this.#known !== undefined && readAtMs - this.#known.readAtMs < this.#lifetimeMs) {
      return this.#known.generations
    }
    const generations = (await this.#store.load())?.generations
    this.#known = { generations, readAtMs }
    return generations
  }
}
