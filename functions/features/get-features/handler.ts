import { z } from 'zod'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { POINTER_LIFETIME_MS } from '#lib/domain/features/pointer-lifetime.ts'
import { type FeatureValues, readFeatures } from '#lib/domain/features/read-features.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { SlotsOf } from '#lib/domain/process/generations/feed-generations.ts'
import {
  type GenerationStore,
  RecentGenerations,
} from '#lib/domain/process/generations/generation-store.ts'
import { servingView } from '#lib/domain/process/generations/generations.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'

export interface GetFeaturesDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
  readonly clock: Clock
}

const requestSchema = z.object({
  view: z.string(),
  key: z.string().max(1024),
  /** RFC 3339; now if absent. */
  at: z.iso.datetime({ offset: true }).optional(),
})

/** Answers one key of one view as of a point in time. Throws `features.badRequest` or `features.unknownView`. */
export function makeHandler(deps: GetFeaturesDependencies) {
  const recent = new RecentGenerations(deps.generations, {
    nowMs: () => deps.clock.nowMs(),
    lifetimeMs: POINTER_LIFETIME_MS,
  })
  return async (event: unknown): Promise<FeatureValues> => {
    const request = requestSchema.safeParse(event)
    if (!request.success) {
      const problems = request.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`)
      throw new PlatformError('features.badRequest', problems.join('; '))
    }
    const { view: name, key, at } = request.data
    // Asked once per request: an answer is all of one generation, definition and states.
    const serving = servingView(await recent.current(), deps, name)
    if (serving === undefined) {
      const known = deps.views.map((one) => one.name).join(', ')
      throw new PlatformError('features.unknownView', `no view "${name}": known are ${known}`)
    }
    const atMs = at === undefined ? deps.clock.nowMs() : Date.parse(at)
    const { view, ...scope } = serving
    const contract = contractOfView(view, deps.contracts)
    const slots = deps.slotsOf({ ...scope, views: [view] })
    return readFeatures({ ...scope, slots, contract }, view, key, atMs * 1000)
  }
}
