import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { signedFetch } from '../aws/signed-request.ts'
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
    const { lambda, endpoint } = this.#props
    const answer = await signedFetch(lambda, {
      service: 'logs',
      endpoint,
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'Logs_20140328.FilterLogEvents',
      },
      body: JSON.stringify(input),
      timeoutMs: TIMEOUT_MS,
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
