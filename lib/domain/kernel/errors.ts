/**
 * The one error of the runtime: a code that callers test, whether a repeat may help, and the facts
 * that were known. Expected outcomes (a duplicate, a rejected row, a lost race) are values, not errors.
 */
export class PlatformError<Code extends string = string> extends Error {
  readonly code: Code
  readonly retryable: boolean
  readonly context: Readonly<Record<string, unknown>>

  constructor(
    code: Code,
    message: string,
    options: { retryable?: boolean; context?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'PlatformError'
    this.code = code
    this.retryable = options.retryable ?? false
    this.context = options.context ?? {}
  }
}

/** True for a {@link PlatformError} with this code. Works across bundles, where `instanceof` does not. */
export function hasCode<Code extends string>(
  error: unknown,
  code: Code,
): error is PlatformError<Code> {
  return error instanceof Error && (error as { code?: unknown }).code === code
}
