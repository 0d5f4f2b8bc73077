import { z } from 'zod'
import { PlatformError } from './errors.ts'

/** What every function of a product knows: where it runs and for what. */
export const productEnvironment = z.object({
  WEIR_CELL: z.string().min(1),
  WEIR_REGION: z.string().min(1),
  WEIR_PRODUCT: z.string().min(1),
})

/**
 * The environment of a function by its schema; the construct is typed by the same schema, so that the two
 * sides cannot drift. Throws `environment.invalid`, naming the variables.
 */
export function readEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  variables: Readonly<Record<string, string | undefined>>,
): z.infer<Schema> {
  const parsed = schema.safeParse(variables)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new PlatformError('environment.invalid', `environment: ${problems.join('; ')}`)
}
