import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const finalizeWindowsEnvironment = productEnvironment.extend({
  /** The product's stream: whether a shard is idle or merely silent only it knows. */
  STREAM_ARN: z.string().min(1),
  BUCKET: z.string().min(1),
  JOURNAL_TABLE: z.string().min(1),
  SLOTS_TABLE: z.string().min(1),
  /** Glue database of the cell. */
  DATABASE: z.string().min(1),
})
