import { hasCode, PlatformError } from '#lib/domain/kernel/errors.ts'

/** A request to the function's URL, as Lambda hands it over (payload format 2.0). */
export interface UrlEvent {
  readonly requestContext: { readonly http: { readonly method: string } }
  readonly body?: string
  readonly isBase64Encoded?: boolean
}

export interface UrlResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function isUrlEvent(event: unknown): event is UrlEvent {
  const context = (event as { requestContext?: { http?: unknown } } | null)?.requestContext
  return typeof context?.http === 'object'
}

/** What callers can do something about; everything else is a fault of ours. */
const STATUS: Readonly<Record<string, number>> = {
  'features.badRequest': 400,
  'features.unknownFeature': 400,
  'features.unknownView': 404,
  'features.stale': 409,
  'features.bufferMissing': 503,
}

/** Answers a request to the URL as `answer` answers its body; errors become a status and their code. */
export async function answerUrl(
  { requestContext, body = '', isBase64Encoded = false }: UrlEvent,
  answer: (request: unknown) => Promise<unknown>,
): Promise<UrlResponse> {
  try {
    if (requestContext.http.method !== 'POST') {
      throw new PlatformError('features.badRequest', 'POST the request as JSON')
    }
    return response(200, await answer(parsed(isBase64Encoded ? decoded(body) : body)))
  } catch (error) {
    const code = Object.keys(STATUS).find((one) => hasCode(error, one))
    if (code === undefined) throw error
    return response(STATUS[code]!, { error: { code, message: (error as Error).message } })
  }
}

function decoded(body: string): string {
  return Buffer.from(body, 'base64').toString('utf8')
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    throw new PlatformError('features.badRequest', 'the body is no JSON')
  }
}

function response(statusCode: number, document: unknown): UrlResponse {
  const headers = { 'content-type': 'application/json' }
  return { statusCode, headers, body: JSON.stringify(document) }
}
