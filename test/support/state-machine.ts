import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { signedFetch } from '#lib/adapters/aws/signed-request.ts'

export interface Execution {
  readonly status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'
  readonly cause?: string
  readonly output?: string
}

/** A state machine of the deployed cell, asked as Step Functions' own clients ask. */
export class StateMachine {
  readonly #arn: string
  readonly #region: string

  constructor(arn: string, region: string) {
    this.#arn = arn
    this.#region = region
  }

  async start(name: string, input: object): Promise<string> {
    const { executionArn } = await this.#call<{ executionArn: string }>('StartExecution', {
      stateMachineArn: this.#arn,
      name,
      input: JSON.stringify(input),
    })
    return executionArn
  }

  async describe(executionArn: string): Promise<Execution> {
    return this.#call<Execution>('DescribeExecution', { executionArn })
  }

  async stop(executionArn: string): Promise<void> {
    await this.#call('StopExecution', { executionArn, cause: 'killed by a test' })
  }

  /** Names of the states that were entered, in their order. */
  async entered(executionArn: string): Promise<readonly string[]> {
    const { events } = await this.#call<{
      events: { stateEnteredEventDetails?: { name: string } }[]
    }>('GetExecutionHistory', { executionArn, maxResults: 1000 })
    return events.flatMap(({ stateEnteredEventDetails: one }) =>
      one === undefined ? [] : [one.name],
    )
  }

  /** Waits for the end, or for the state to be entered. */
  async until(executionArn: string, state?: string): Promise<Execution> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const execution = await this.describe(executionArn)
      if (execution.status !== 'RUNNING') return execution
      if (state !== undefined && (await this.entered(executionArn)).includes(state))
        return execution
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    throw new Error(`${executionArn} has come neither to ${state} nor to an end`)
  }

  async #call<Answer>(action: string, body: object): Promise<Answer> {
    const response = await signedFetch(new DynamoDBClient(clientConfig({ region: this.#region })), {
      service: 'states',
      endpoint: process.env.AWS_ENDPOINT_URL,
      method: 'POST',
      path: '/',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': `AWSStepFunctions.${action}`,
      },
      body: JSON.stringify(body),
      timeoutMs: 30_000,
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`)
    return JSON.parse(text) as Answer
  }
}
