import { z } from 'zod'
import {
  FeatureReader,
  type FeatureReaderDependencies,
} from '#lib/domain/features/feature-reader.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

export type GetFeaturesDependencies = FeatureReaderDependencies

const requestSchema = z.object({
  view: z.string(),
  key: z.string().max(1024),
  /** RFC 3339; now if absent. */
  at: z.iso.datetime({ offset: true }).optional(),
})

/** Answers one key of one view as of a point in time. Throws `features.badRequest` or `features.unknownView`. */
export function makeHandler(deps: GetFeaturesDependencies) {
  const reader = new FeatureReader(deps)
  return async (event: unknown): Promise<FeatureValues> => {
    const request = requestSchema.safeParse(event)
    if (!request.success) {
      const problems = request.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`)
      throw new PlatformError('features.badRequest', problems.join('; '))
    }
    const { view, key, at } = request.data
    const [values] = await reader.read(
      [{ view, key }],
      at === undefined ? undefined : Date.parse(at) * 1000,
    )
    return values!
  }
}
