import { z } from 'zod'
import {
  FeatureReader,
  type FeatureReaderDependencies,
} from '#lib/domain/features/feature-reader.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import type { FeatureAnswer } from '#lib/domain/features/read-many.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { answerUrl, isUrlEvent, type UrlResponse } from './url-event.ts'

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
export function makeHandler(deps: FeatureReaderDependencies) {
  const reader = new FeatureReader(deps)
  const answer = async (event: unknown): Promise<FeaturesResponse> => {
    const parsed = requestSchema.safeParse(event)
    if (!parsed.success) throw badRequest(event, parsed.error)
    const request = parsed.data
    const wanted = 'requests' in request ? request.requests : [request]
    const at = request.at === undefined ? undefined : Date.parse(request.at) * 1000
    const results = await reader.read(wanted, at)
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
