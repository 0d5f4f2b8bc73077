/**
 * The error that a line of a function's log tells of, in one line; undefined if it tells of none. Lambda logs a thrown
 * error as JSON, or as text where the runtime has no JSON, and says itself when time has run out.
 */
export function errorIn(line: string): string | undefined {
  const text = line.trim()
  const record = parsed(text)
  if (record !== undefined) return errorOf(record)
  const thrown = /^(?:\S+\s+\S+\s+ERROR\s+.*?)?\b(\w*(?:Error|Exception|Fault)): (.+)/.exec(text)
  if (thrown !== null) return oneLine(`${thrown[1]}: ${thrown[2]}`)
  return /Task timed out after [\d.]+ seconds/.exec(text)?.[0]
}

interface LogRecord {
  readonly level?: string
  readonly type?: string
  readonly message?: unknown
  readonly record?: { readonly status?: string; readonly errorType?: string }
}

function errorOf({ level, type, message, record }: LogRecord): string | undefined {
  if (type === 'platform.report' && record?.status === 'timeout') return 'the function timed out'
  if (level !== 'ERROR') return undefined
  if (typeof message === 'string') return oneLine(message)
  const { errorType = 'Error', errorMessage = '' } = (message ?? {}) as {
    errorType?: string
    errorMessage?: string
  }
  return oneLine(`${errorType}: ${errorMessage}`)
}

function parsed(text: string): LogRecord | undefined {
  if (!text.startsWith('{')) return undefined
  try {
    return JSON.parse(text) as LogRecord
  } catch {
    return undefined
  }
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').trim()
}
