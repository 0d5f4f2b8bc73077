import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const updateWindowsEnvironment = productEnvironment.extend({
  BUCKET: z.string().min(1),
  JOURNAL_TABLE: z.string().min(1),
  SLOTS_TABLE: z.string().min(1),
})
