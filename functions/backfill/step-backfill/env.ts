import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const stepBackfillEnvironment = productEnvironment.extend({
  BUCKET: z.string().min(1),
  SLOTS_TABLE: z.string().min(1),
  /** Glue database of the cell. */
  DATABASE: z.string().min(1),
})
