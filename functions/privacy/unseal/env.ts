import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const unsealEnvironment = productEnvironment.extend({
  JOURNAL_TABLE: z.string().min(1),
  /** The cell's key table. */
  KEY_TABLE: z.string().min(1),
  /** KMS key that wraps branch keys. */
  SUBJECT_KEY_ARN: z.string().min(1),
})
