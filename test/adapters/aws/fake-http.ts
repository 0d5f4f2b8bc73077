import { Readable } from 'node:stream'
import type { HttpHandlerOptions } from '@smithy/types'

/** One answer on the wire. A status alone has an empty body. */
export type Answer = number | { readonly status: number; readonly body: string | Readable }

interface WireRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** An HTTP handler for SDK clients that gives these answers in turn, then 200s, and keeps the requests. */
export function answering(answers: readonly Answer[]) {
  const rest = [...answers]
  const requests: WireRequest[] = []
  const requestHandler = {
    metadata: { handlerProtocol: 'http/1.1' },
    async handle(request: WireRequest, _options?: HttpHandlerOptions) {
      requests.push(request)
      const answer = rest.shift() ?? 200
      const { status, body } = typeof answer === 'number' ? { status: answer, body: '' } : answer
      return {
        response: {
          statusCode: status,
          headers: {} as Record<string, string>,
          body: typeof body === 'string' ? Readable.from([Buffer.from(body || '{}')]) : body,
        },
      }
    },
  }
  return { requestHandler: requestHandler as never, requests }
}
