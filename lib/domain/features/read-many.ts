import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { SlotsOf } from '#lib/domain/process/generations/feed-generations.ts'
import type { ServingView } from '#lib/domain/process/generations/generations.ts'
import type { FinalProgress } from '#lib/domain/process/slot-store.ts'
import { contractOfView, definitionHash, stateNameOf } from '#lib/domain/process/view.ts'
import type { PublishedFeatures } from './publish/published-features.ts'
import { type FeatureValues, readFeatures } from './read-features.ts'

export interface FeatureRequest {
  readonly view: string
  readonly key: string
  /** Names of the view's aggregates. @default all of them */
  readonly features?: readonly string[]
}

export interface ReadManyDependencies {
  readonly contracts: ContractVersions
  readonly slotsOf: SlotsOf
  readonly published: PublishedFeatures
}

/** A request with the view that answers it. */
export interface ServedRequest extends FeatureRequest {
  readonly serving: ServingView
}

/** What one of many requests could not be answered with. */
export interface FeatureFailure {
  readonly view: string
  readonly key: string
  readonly error: { readonly code: string; readonly message: string }
}

export type FeatureAnswer = FeatureValues | FeatureFailure

const READS_AT_ONCE = 32

/**
 * Answers many keys of many views as of one point in time, in the order asked for. What was published is read together;
 * views that go on with the stream are asked one by one, side by side. What is wrong with one answer (`features.stale`, a
 * feature that there is not) is said in its place.
 */
export async function readManyFeatures(
  deps: ReadManyDependencies,
  requests: readonly ServedRequest[],
  at: Micros,
): Promise<readonly FeatureAnswer[]> {
  const { contracts } = deps
  const published = await deps.published.read(
    requests.map(({ key, serving: { view } }) => ({
      view: stateNameOf(view),
      definition: definitionHash(view, contractOfView(view, contracts)),
      key,
    })),
    at,
  )
  const progressOf = new Map<string, Promise<FinalProgress | undefined>>()
  const places = requests.map((_, place) => place)
  return inParallel(places, READS_AT_ONCE, async (place) => {
    const { serving, key, features } = requests[place]!
    const { view, ...scope } = serving
    const slots = deps.slotsOf({ ...scope, views: [view] })
    const progress = await closedOf(view.serving === 'batch' ? undefined : slots)
    const ofKey = published[place]
    try {
      return await readFeatures(
        {
          ...scope,
          slots,
          contract: contractOfView(view, contracts),
          ...(ofKey && { published: ofKey }),
          ...(features && { features }),
          progress: progress ?? null,
        },
        view,
        key,
        at,
      )
    } catch (error) {
      if (!(error instanceof PlatformError) || error.retryable) throw error
      return { view: view.name, key, error: { code: error.code, message: error.message } }
    }

    /** Once for all keys of a view. */
    function closedOf(store: typeof slots | undefined): Promise<FinalProgress | undefined> {
      const name = stateNameOf(view, scope.generation)
      const known = progressOf.get(name) ?? store?.finalProgress(name) ?? Promise.resolve(undefined)
      progressOf.set(name, known)
      return known
    }
  })
}
