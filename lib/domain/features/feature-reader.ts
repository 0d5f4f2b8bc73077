import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { SlotsOf } from '#lib/domain/process/generations/feed-generations.ts'
import {
  type GenerationStore,
  RecentGenerations,
} from '#lib/domain/process/generations/generation-store.ts'
import { servingView } from '#lib/domain/process/generations/generations.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { POINTER_LIFETIME_MS } from './pointer-lifetime.ts'
import type { FeatureBuffers } from './publish/feature-buffers.ts'
import type { PublicationStore } from './publish/publications.ts'
import { PublishedFeatures } from './publish/published-features.ts'
import { type FeatureAnswer, type FeatureRequest, readManyFeatures } from './read-many.ts'

export interface FeatureReaderDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
  readonly publications: PublicationStore
  readonly buffers: FeatureBuffers
  readonly clock: Clock
}

/** Reads features of a product's views from what is live: the generation that answers, and what was published. */
export class FeatureReader {
  readonly #deps: FeatureReaderDependencies
  readonly #recent: RecentGenerations
  readonly #published: PublishedFeatures

  constructor(deps: FeatureReaderDependencies) {
    const { generations, publications: store, buffers, clock } = deps
    this.#deps = deps
    this.#recent = new RecentGenerations(generations, {
      nowMs: () => clock.nowMs(),
      lifetimeMs: POINTER_LIFETIME_MS,
    })
    this.#published = new PublishedFeatures({ store, buffers, clock })
  }

  /**
   * Answers these requests in their order, each with its values or what is wrong with it. Throws `features.unknownView`.
   *
   * @param at default: now
   */
  async read(requests: readonly FeatureRequest[], at?: Micros): Promise<readonly FeatureAnswer[]> {
    // Asked once for all: they are answered from one generation, definition and states.
    const generations = await this.#recent.current()
    const served = requests.map(({ view, key, features }) => {
      const serving = servingView(generations, this.#deps, view)
      if (serving !== undefined) return { view, key, serving, ...(features && { features }) }
      const known = this.#deps.views.map(({ name }) => name).join(', ')
      throw new PlatformError('features.unknownView', `no view "${view}": known are ${known}`)
    })
    const asOf = at ?? this.#deps.clock.nowMs() * 1000
    return await readManyFeatures({ ...this.#deps, published: this.#published }, served, asOf)
  }
}
