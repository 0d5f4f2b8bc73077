import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const publishFeaturesEnvironment = productEnvironment.extend({
  /** For IAM: a stream's shards are asked for by ARN. */
  STREAM_ARN: z.string().min(1),
  BUCKET: z.string().min(1),
  JOURNAL_TABLE: z.string().min(1),
  SLOTS_TABLE: z.string().min(1),
  /** Buffers and publications. */
  FEATURES_TABLE: z.string().min(1),
  /** Glue database of the cell. */
  DATABASE: z.string().min(1),
})
