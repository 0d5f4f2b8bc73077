const THROTTLED = 429

/** Whether a service itself said no, for good: not that it is busy or does not know. */
export function isRefusal(error: unknown): boolean {
  const { $fault, $metadata, $retryable } = error as {
    $fault?: string
    $metadata?: { httpStatusCode?: number }
    $retryable?: unknown
  }
  const status = $metadata?.httpStatusCode
  if ($fault !== 'client' || $retryable || status === undefined) return false
  return (
    status >= 400 && status < 500 && status !== THROTTLED && status !== 408 && !isThrottle(error)
  )
}

function isThrottle(error: unknown): boolean {
  return error instanceof Error && /Throttl|TooManyRequests|RequestLimit/.test(error.name)
}
