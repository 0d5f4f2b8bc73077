import { setTimeout as delay } from 'node:timers/promises'
import { type SigningClient, signedFetch } from '../aws/signed-request.ts'

export interface S3TablesApiProps {
  /** Whose region and credentials are used. */
  readonly client: SigningClient
  /** `https://…`; AWS's own if undefined. */
  readonly endpoint?: string | undefined
  /** `arn:aws:s3tables:<region>:<account>:bucket/<name>`. */
  readonly tableBucketArn: string
  readonly sleep?: (ms: number) => Promise<unknown>
}

/** What the service refused, by its own code such as `ConflictException`; status 0 if it did not answer. */
export class S3TablesError extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, status: number, message: string, cause?: unknown) {
    super(`${code}: ${message}`, { cause })
    this.code = code
    this.status = status
  }
}

const TIMEOUT_MS = 15_000
const READ_ATTEMPTS = 4
const MOST_TEXT = 500

/**
 * The calls of the S3 Tables service that a catalog needs. Reads are repeated, writes are not: what became of them is
 * looked up.
 */
export class S3TablesApi {
  readonly #props: S3TablesApiProps

  constructor(props: S3TablesApiProps) {
    this.#props = props
  }

  async read(...path: readonly string[]): Promise<Readonly<Record<string, string>>> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#call('GET', path)
      } catch (error) {
        const mayHelp = error instanceof S3TablesError && isPassing(error)
        if (!mayHelp || attempt >= READ_ATTEMPTS) throw error
        await (this.#props.sleep ?? delay)(50 * 2 ** attempt)
      }
    }
  }

  write(
    method: 'PUT' | 'DELETE',
    path: readonly string[],
    body?: object,
  ): Promise<Readonly<Record<string, string>>> {
    return this.#call(method, path, body)
  }

  /** `kind` and the path behind the table bucket, each part escaped. */
  async #call(method: string, [kind, ...rest]: readonly string[], body?: object) {
    const { client, endpoint, tableBucketArn } = this.#props
    const path = [kind!, tableBucketArn, ...rest].map(encodeURIComponent).join('/')
    let answer: Response
    let text: string
    try {
      answer = await signedFetch(client, {
        service: 's3tables',
        endpoint,
        method,
        path: `/${path}`,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
        timeoutMs: TIMEOUT_MS,
      })
      text = await answer.text()
    } catch (cause) {
      throw new S3TablesError('NoAnswer', 0, 'S3 Tables did not answer', cause)
    }
    if (answer.ok) return text === '' ? {} : (JSON.parse(text) as Record<string, string>)
    throw new S3TablesError(codeOf(answer, text), answer.status, text.slice(0, MOST_TEXT))
  }
}

/** Whether the same call may succeed later. */
function isPassing({ status }: S3TablesError): boolean {
  return status === 0 || status === 429 || status >= 500
}

function codeOf(answer: Response, text: string): string {
  const header = answer.headers.get('x-amzn-errortype')?.split(':')[0]
  if (header) return header
  const [, code] = /"(?:__type|code)"\s*:\s*"(?:[^"]*#)?([A-Za-z]+)"/.exec(text) ?? []
  return code ?? `status ${answer.status}`
}
