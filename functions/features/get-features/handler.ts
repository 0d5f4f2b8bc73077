import { z } from 'zod'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { type FeatureValues, readFeatures } from '#lib/domain/features/read-features.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { SlotStore } from '#lib/domain/process/slot-store.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'

export interface GetFeaturesDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly slots: SlotStore
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
  return async (event: unknown): Promise<FeatureValues> => {
    const request = requestSchema.safeParse(event)
    if (!request.success) {
      const problems = request.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`)
      throw new PlatformError('features.badRequest', problems.join('; '))
    }
    const { view: name, key, at } = request.data
    const view = deps.views.find((one) => one.name === name)
    if (view === undefined) {
      const known = deps.views.map((one) => one.name).join(', ')
      throw new PlatformError('features.unknownView', `no view "${name}": known are ${known}`)
    }
    const atMs = at === undefined ? deps.clock.nowMs() : Date.parse(at)
    const contract = contractOfView(view, deps.contracts)
    return readFeatures({ slots: deps.slots, contract }, view, key, atMs * 1000)
  }
}
