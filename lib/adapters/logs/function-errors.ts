import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { SignatureV4 } from '@smithy/signature-v4'
import { errorIn } from './error-line.ts'

/** What a function's log says went wrong. */
export interface LoggedError {
  readonly functionName: string
  readonly atMs: number
  /** One line. */
  readonly message: string
  readonly logGroup: string
  /** The line of the log as it stands there, shortened. */
  readonly line: string
}

export interface FunctionErrorsProps {
  /** Whose settings and credentials are used. */
  readonly lambda: LambdaClient
  /** `https://…`; AWS's own if undefined. */
  readonly endpoint?: string | undefined
}

const MOST_PAGES = 10
const TIMEOUT_MS = 10_000
const MOST_LINE = 500
/** Functions log JSON on AWS. Where they do not, every line comes, and is looked at here. */
const FILTER = '{ ($.level = "ERROR") || ($.record.status = "timeout") }'

/** The logs of functions in CloudWatch, read for errors. Its one call is signed here: it needs no client of its own. */
export class FunctionErrors {
  readonly #props: FunctionErrorsProps

  constructor(props: FunctionErrorsProps) {
    this.#props = props
  }

  /** The newest error that the function logged since then; undefined if there is none. */
  async last(functionName: string, sinceMs: number): Promise<LoggedError | undefined> {
    const logGroup = await this.#logGroupOf(functionName)
    let found: LoggedError | undefined
    let nextToken: string | undefined
    for (let page = 0; page < MOST_PAGES; page++) {
      const answer = await this.#filterLogEvents({
        logGroupName: logGroup,
        startTime: sinceMs,
        filterPattern: FILTER,
        ...(nextToken === undefined ? {} : { nextToken }),
      })
      for (const { timestamp: atMs = 0, message: text = '' } of answer.events ?? []) {
        const message = errorIn(text)
        if (message === undefined || atMs < (found?.atMs ?? 0)) continue
        found = { functionName, atMs, message, logGroup, line: text.trim().slice(0, MOST_LINE) }
      }
      nextToken = answer.nextToken
      if (nextToken === undefined) break
    }
    return found
  }

  async #logGroupOf(functionName: string): Promise<string> {
    const { LoggingConfig: config } = await this.#props.lambda.send(
      new GetFunctionConfigurationCommand({ FunctionName: functionName }),
    )
    return config?.LogGroup ?? `/aws/lambda/${functionName}`
  }

  async #filterLogEvents(input: Readonly<Record<string, unknown>>): Promise<FilteredEvents> {
    const { config } = this.#props.lambda
    const region = await config.region()
    const url = new URL(this.#props.endpoint ?? `https://logs.${region}.amazonaws.com`)
    const body = JSON.stringify(input)
    const { headers } = await signerFor(region, await config.credentials()).sign({
      method: 'POST',
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: '/',
      query: {},
      headers: {
        host: url.host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Logs_20140328.FilterLogEvents',
      },
      body,
    })
    const answer = await fetch(url, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const text = await answer.text()
    if (answer.ok) return JSON.parse(text) as FilteredEvents
    // A function that never ran has no log yet.
    if (text.includes('ResourceNotFoundException')) return {}
    throw new Error(`CloudWatch Logs answered ${answer.status}: ${text.slice(0, MOST_LINE)}`)
  }
}

interface FilteredEvents {
  readonly events?: readonly { readonly timestamp?: number; readonly message?: string }[]
  readonly nextToken?: string
}

type Credentials = ConstructorParameters<typeof SignatureV4>[0]['credentials']

function signerFor(region: string, credentials: Credentials): SignatureV4 {
  return new SignatureV4({ service: 'logs', region, credentials, sha256: Sha256 })
}

/** Node's SHA-256 as the signer wants it. */
class Sha256 {
  readonly #hash: Hash | Hmac

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret))
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    throw new Error('a digest is taken once')
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data)
  if (data instanceof ArrayBuffer) return new Uint8Array(data)
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
}
