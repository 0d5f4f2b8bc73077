import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const getFeaturesEnvironment = productEnvironment.extend({
  SLOTS_TABLE: z.string().min(1),
  /** Buffers and publications. */
  FEATURES_TABLE: z.string().min(1),
})
