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
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'
import { POINTER_LIFETIME_MS } from './pointer-lifetime.ts'
import { type FeatureValues, readFeatures } from './read-features.ts'

export interface FeatureReaderDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
  readonly clock: Clock
}

/** A key of a view. */
export interface FeatureKey {
  readonly view: string
  readonly key: string
}

/** Reads features of a product's views from the generation that answers. */
export class FeatureReader {
  readonly #deps: FeatureReaderDependencies
  readonly #recent: RecentGenerations

  constructor(deps: FeatureReaderDependencies) {
    this.#deps = deps
    this.#recent = new RecentGenerations(deps.generations, {
      nowMs: () => deps.clock.nowMs(),
      lifetimeMs: POINTER_LIFETIME_MS,
    })
  }

  /**
   * The values of these keys as of a point in time, in their order; all of one generation, definition and states. Throws
   * `features.unknownView`, and `features.stale` where a view wants an error.
   *
   * @param at default: now
   */
  async read(keys: readonly FeatureKey[], at?: Micros): Promise<readonly FeatureValues[]> {
    const generations = await this.#recent.current()
    const asOf = at ?? this.#deps.clock.nowMs() * 1000
    return await Promise.all(
      keys.map(async ({ view: name, key }) => {
        const serving = servingView(generations, this.#deps, name)
        if (serving === undefined) throw this.#unknown(name)
        const { view, ...scope } = serving
        const contract = contractOfView(view, this.#deps.contracts)
        const slots = this.#deps.slotsOf({ ...scope, views: [view] })
        return await readFeatures({ ...scope, slots, contract }, view, key, asOf)
      }),
    )
  }

  #unknown(name: string): PlatformError {
    const known = this.#deps.views.map((one) => one.name).join(', ')
    return new PlatformError('features.unknownView', `no view "${name}": known are ${known}`)
  }
}
