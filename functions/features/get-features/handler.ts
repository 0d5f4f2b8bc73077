import { z } from 'zod'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { POINTER_LIFETIME_MS } from '#lib/domain/features/pointer-lifetime.ts'
import type { FeatureBuffers } from '#lib/domain/features/publish/feature-buffers.ts'
import type { PublicationStore } from '#lib/domain/features/publish/publications.ts'
import { PublishedFeatures } from '#lib/domain/features/publish/published-features.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { type FeatureAnswer, readManyFeatures } from '#lib/domain/features/read-many.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { SlotsOf } from '#lib/domain/process/generations/feed-generations.ts'
import {
  type GenerationStore,
  RecentGenerations,
} from '#lib/domain/process/generations/generation-store.ts'
import { servingView } from '#lib/domain/process/generations/generations.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { answerUrl, isUrlEvent, type UrlResponse } from './url-event.ts'

export interface GetFeaturesDependencies {
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly generations: GenerationStore
  readonly slotsOf: SlotsOf
  readonly publications: PublicationStore
  readonly buffers: FeatureBuffers
  readonly clock: Clock
}

/** As many as one answer of 6 MB and one invocation have room for. */
const MOST_REQUESTS = 1000

const one = z.object({
  view: z.string(),
  key: z.string().max(1024),
  features: z.array(z.string()).max(100).optional(),
})
/** RFC 3339; now if absent. */
const at = z.iso.datetime({ offset: true }).optional()
const requestSchema = z.union([
  z.object({ requests: z.array(one).min(1).max(MOST_REQUESTS), at }),
  one.extend({ at }),
])

export type FeaturesResponse = FeatureValues | { readonly results: readonly FeatureAnswer[] }

/**
 * Answers one key of one view, or a list of `requests` as `results`, as of a point in time. Throws `features.badRequest` or
 * `features.unknownView`; of a single request also what is wrong with its answer. A request to the function's URL is
 * answered as HTTP wants it.
 */
export function makeHandler(deps: GetFeaturesDependencies) {
  const recent = new RecentGenerations(deps.generations, {
    nowMs: () => deps.clock.nowMs(),
    lifetimeMs: POINTER_LIFETIME_MS,
  })
  const { publications: store, buffers, clock } = deps
  const published = new PublishedFeatures({ store, buffers, clock })
  const answer = async (event: unknown): Promise<FeaturesResponse> => {
    const parsed = requestSchema.safeParse(event)
    if (!parsed.success) throw badRequest(event, parsed.error)
    const request = parsed.data
    const wanted = 'requests' in request ? request.requests : [request]
    // Asked once per request: an answer is all of one generation, definition and states.
    const generations = await recent.current()
    const served = wanted.map(({ view, key, features }) => {
      const serving = servingView(generations, deps, view)
      if (serving !== undefined) return { view, key, serving, ...(features && { features }) }
      const known = deps.views.map(({ name }) => name).join(', ')
      throw new PlatformError('features.unknownView', `no view "${view}": known are ${known}`)
    })
    const atMs = request.at === undefined ? clock.nowMs() : Date.parse(request.at)
    const results = await readManyFeatures({ ...deps, published }, served, atMs * 1000)
    if ('requests' in request) return { results }
    const only = results[0]!
    if (!('error' in only)) return only
    throw new PlatformError(only.error.code, only.error.message)
  }
  return async (event: unknown): Promise<FeaturesResponse | UrlResponse> =>
    isUrlEvent(event) ? answerUrl(event, answer) : answer(event)
}

function badRequest(event: unknown, error: z.ZodError): PlatformError {
  const isList = typeof event === 'object' && event !== null && 'requests' in event
  // Of a union each member complains: what is said is of the one that was meant.
  const issues = error.issues.flatMap((issue) =>
    issue.code === 'invalid_union' ? (issue.errors[isList ? 0 : 1] ?? []) : [issue],
  )
  const problems = issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return new PlatformError('features.badRequest', problems.join('; '))
}
