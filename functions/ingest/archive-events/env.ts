import { z } from 'zod'
import { productEnvironment } from '#lib/domain/kernel/environment.ts'

export const archiveEventsEnvironment = productEnvironment.extend({
  /** The product's stream, for the lineage of its shards. */
  STREAM_ARN: z.string().min(1),
  BUCKET: z.string().min(1),
  JOURNAL_TABLE: z.string().min(1),
  /** KMS key of undecodable bytes: their own, since nobody knows what is in them. */
  UNDECODABLE_KEY_ARN: z.string().min(1),
  /** KMS HMAC key from which the cell's identity key is derived. */
  IDENTITY_KEY_ARN: z.string().min(1),
  /** The cell's key table; absent where the product has no personal fields. */
  KEY_TABLE: z.string().min(1).optional(),
  /** KMS key that wraps branch keys; there with the key table. */
  SUBJECT_KEY_ARN: z.string().min(1).optional(),
  /** For how many days a raw object is locked; absent where raw is not. */
  RAW_LOCK_DAYS: z.coerce.number().int().min(1).optional(),
})
