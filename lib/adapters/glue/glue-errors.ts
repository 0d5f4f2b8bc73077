import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { isRefusal } from '../aws/refusal.ts'

/** Glue says that the entry is not what was expected, or that another change to it is under way. */
const CONFLICTS = new Set([
  'AlreadyExistsException',
  'ConcurrentModificationException',
  'VersionMismatchException',
])

/** Glue says itself that it does not know. */
const UNKNOWN = new Set([
  'InternalServiceException',
  'OperationTimeoutException',
  'ResourceNotReadyException',
])

/** Whether the SDK's error has this name. */
export function isNamed(error: unknown, name: string): boolean {
  return error instanceof Error && error.name === name
}

/** Someone else changed the entry, or we did and were not told. */
export function conflict(name: TableName, why: string, cause?: unknown): PlatformError {
  return new PlatformError('lake.commitConflict', `${name.database}.${name.name}: ${why}`, {
    retryable: true,
    cause,
  })
}

/**
 * What a failed create or update means. Only a refusal that Glue itself declared, with a 4xx answer, is final;
 * whatever else went wrong (no answer, 5xx, throttled after tries that may have worked) leaves the outcome open.
 */
export function commitFailure(name: TableName, error: unknown): PlatformError {
  const code = error instanceof Error ? error.name : 'unknown'
  const where = `${name.database}.${name.name}`
  if (CONFLICTS.has(code)) return conflict(name, code, error)
  if (code === 'EntityNotFoundException') {
    return new PlatformError('lake.tableNotFound', `there is no table or database ${where}`, {
      cause: error,
    })
  }
  if (!UNKNOWN.has(code) && isRefusal(error)) {
    const message = error instanceof Error ? error.message : String(error)
    return new PlatformError('lake.commitRefused', `${where}: ${code}: ${message}`, {
      cause: error,
    })
  }
  return new PlatformError('lake.commitStateUnknown', `${where}: ${code}`, {
    retryable: true,
    cause: error,
  })
}
