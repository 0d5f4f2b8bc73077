import { isLocalCloudError } from '#local/local-cloud.ts'

/** A failure that a person caused or can mend: its message is the one line they see. */
export class CommandError extends Error {
  readonly code: string
  readonly exitCode: number
  /** What to print as JSON besides the message, where the command still has an answer. */
  readonly document: unknown

  constructor(
    code: string,
    message: string,
    options: { exitCode?: number; document?: unknown; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CommandError'
    this.code = code
    this.exitCode = options.exitCode ?? 1
    this.document = options.document
  }
}

/** What a failure looks like from outside. */
export interface FailureReport {
  readonly code: string
  readonly message: string
  readonly exitCode: number
}

/** Any error as one clear line, or as one line for each thing that is wrong. */
export function reportOf(error: unknown): FailureReport {
  if (error instanceof CommandError) {
    return { code: error.code, message: error.message.trim(), exitCode: error.exitCode }
  }
  if (isLocalCloudError(error)) {
    return { code: error.code, message: oneLine(error.message), exitCode: 1 }
  }
  if (!(error instanceof Error)) {
    return { code: 'unexpected', message: oneLine(String(error)), exitCode: 1 }
  }
  if (isPlatformError(error)) {
    return { code: error.code, message: error.message.trim(), exitCode: 1 }
  }
  const { code, message } = awsFailure(error)
  return { code, message: oneLine(message), exitCode: 1 }
}

function isPlatformError(error: Error): error is Error & { code: string } {
  return error.name === 'PlatformError' && 'code' in error && typeof error.code === 'string'
}

function awsFailure(error: Error): { code: string; message: string } {
  if (error.name === 'CredentialsProviderError') {
    return {
      code: 'aws.credentials',
      message: `no AWS credentials were found (${error.message}): configure a profile or set AWS_PROFILE`,
    }
  }
  if (/^(ExpiredToken|UnrecognizedClient|InvalidClientTokenId|InvalidSignature)/.test(error.name)) {
    return {
      code: 'aws.credentials',
      message: `AWS refused the credentials (${error.name}): sign in again`,
    }
  }
  // Several addresses were tried: the sum of them has no message of its own.
  const message =
    error.message === '' && error instanceof AggregateError
      ? error.errors.map((one) => (one instanceof Error ? one.message : String(one))).join('; ')
      : error.message
  return {
    code: error.name === 'Error' ? 'unexpected' : error.name,
    message: error.name === 'Error' ? message : `${error.name}: ${message}`,
  }
}

/** True if nothing listens where the request went. */
export function isConnectionRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const errors = error instanceof AggregateError ? error.errors : [error]
  return errors.some(
    (one) =>
      one instanceof Error && 'code' in one && (one as { code?: unknown }).code === 'ECONNREFUSED',
  )
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').trim()
}
