import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type SigningClient, signedFetch } from './signed-request.ts'

export interface JsonServiceProps {
  /** Whose region and credentials are used: any client of the SDK. */
  readonly client: SigningClient
  /** `https://…`; AWS's own if undefined. */
  readonly endpoint?: string | undefined
}

/** A service that speaks AWS's JSON protocol, for the few calls that need no client of its own. */
export interface JsonService {
  /** As AWS names it in signatures, such as `states`. */
  readonly name: string
  /** Before the name of a call, such as `AWSStepFunctions`. */
  readonly target: string
  readonly version: '1.0' | '1.1'
}

const TIMEOUT_MS = 15_000
const ATTEMPTS = 4
const PAUSE_MS = 200

/** One call and its answer. Throws `aws.<error>` with the service's own message; what may pass is tried again. */
export async function callJson<Answer>(
  { client, endpoint }: JsonServiceProps,
  { name, target, version }: JsonService,
  call: string,
  input: object,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await signedFetch(client, {
      service: name,
      endpoint,
      method: 'POST',
      path: '/',
      headers: {
        'content-type': `application/x-amz-json-${version}`,
        'x-amz-target': `${target}.${call}`,
      },
      body: JSON.stringify(input),
      timeoutMs: TIMEOUT_MS,
    })
    const text = await answer.text()
    if (answer.ok) return JSON.parse(text || '{}') as Answer
    const { code, message } = failureIn(text)
    const isPassing = answer.status >= 500 || /Throttl/.test(code)
    if (!isPassing || attempt === ATTEMPTS) {
      throw new PlatformError(`aws.${code}`, `${name} ${call}: ${message}`, {
        retryable: isPassing,
      })
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * 2 ** attempt))
  }
}

function failureIn(text: string): { readonly code: string; readonly message: string } {
  try {
    const { __type: type = 'unknown', message, Message } = JSON.parse(text)
    const code = String(type).split('#').at(-1)!
    return { code, message: String(message ?? Message ?? code) }
  } catch {
    return { code: 'unknown', message: text.slice(0, 500) }
  }
}
