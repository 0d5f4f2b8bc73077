/** What can go wrong around the local cloud; the part after the dot is stable, people and tests match on it. */
export type LocalCloudErrorCode =
  | 'local.pythonMissing'
  | 'local.pythonTooOld'
  | 'local.venvModuleMissing'
  | 'local.installFailed'
  | 'local.portTaken'
  | 'local.authMismatch'
  | 'local.startFailed'
  | 'local.stopFailed'
  | 'local.locked'

/** The message is one line that says what is wrong and what to do; details are in the log file it names. */
export class LocalCloudError extends Error {
  readonly code: LocalCloudErrorCode

  constructor(code: LocalCloudErrorCode, message: string, options?: ErrorOptions) {
    super(message.replace(/\s*\n\s*/g, ' ').trim(), options)
    this.name = 'LocalCloudError'
    this.code = code
  }
}

/** Recognises the error by its code, so that it works across two copies of this module. */
export function isLocalCloudError(error: unknown): error is LocalCloudError {
  return (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.startsWith('local.')
  )
}
