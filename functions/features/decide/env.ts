import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const decideEnvironment = productEnvironment.extend({
  SLOTS_TABLE: z.string().min(1),
  /** Buffers and publications. */
  FEATURES_TABLE: z.string().min(1),
  /** JSON: the streams that decisions are logged to, by product. */
  LOG_STREAMS: z.string().min(2),
})
