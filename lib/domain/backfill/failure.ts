import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { RunError } from './end.ts'

/** Names of errors that a run's state machine goes by. */
export const RUN_ERRORS = {
  /** No repeat helps: the run ends with it. */
  ended: 'BackfillEnded',
  /** Nobody has to be waited for any more. */
  decided: 'BackfillDecided',
} as const

/** As the state machine shall see it: a repeat is tried of what may pass, and of what nobody has thought of. */
export function asRunError(error: unknown): unknown {
  if (!(error instanceof PlatformError) || error.retryable) return error
  const ended = new Error(`${error.code}: ${error.message}`, { cause: error })
  ended.name = RUN_ERRORS.ended
  return ended
}

/** What the state machine hands over of an error that it caught. */
export interface CaughtError {
  readonly Error?: string | undefined
  /** Of a function: JSON with its message. */
  readonly Cause?: string | undefined
}

/** The code and message that {@link asRunError} has put in, or what there is. */
export function runErrorOf({ Error: name = 'unknown', Cause: cause = '' }: CaughtError): RunError {
  const message = messageIn(cause)
  const [, code, rest] = /^([a-z]+\.[A-Za-z]+): ([\s\S]*)$/.exec(message) ?? []
  if (name === RUN_ERRORS.ended && code !== undefined) return { code, message: rest! }
  return { code: name, message: message || `the run ended with ${name}` }
}

function messageIn(cause: string): string {
  try {
    return String((JSON.parse(cause) as { readonly errorMessage?: unknown }).errorMessage ?? cause)
  } catch {
    return cause
  }
}
