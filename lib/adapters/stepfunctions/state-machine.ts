import { hasCode } from '#lib/domain/kernel/errors.ts'
import { callJson, type JsonService, type JsonServiceProps } from '../aws/json-service.ts'

const STATES: JsonService = { name: 'states', target: 'AWSStepFunctions', version: '1.0' }

export type ExecutionStatus =
  | 'RUNNING'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'ABORTED'
  | 'PENDING_REDRIVE'

/** A state machine of Step Functions. */
export class StateMachine {
  readonly #props: JsonServiceProps
  readonly #arn: string

  constructor(props: JsonServiceProps, arn: string) {
    this.#props = props
    this.#arn = arn
  }

  /** Starts the execution of this name; one that is there already, running or over, is left as it is. */
  async start(name: string, input: object): Promise<void> {
    try {
      await callJson(this.#props, STATES, 'StartExecution', {
        stateMachineArn: this.#arn,
        name,
        input: JSON.stringify(input),
      })
    } catch (error) {
      if (!hasCode(error, 'aws.ExecutionAlreadyExists')) throw error
    }
  }

  /** Undefined if there is no execution of this name. */
  async status(name: string): Promise<ExecutionStatus | undefined> {
    try {
      const { status } = await callJson<{ readonly status: ExecutionStatus }>(
        this.#props,
        STATES,
        'DescribeExecution',
        { executionArn: `${this.#arn.replace(':stateMachine:', ':execution:')}:${name}` },
      )
      return status
    } catch (error) {
      if (hasCode(error, 'aws.ExecutionDoesNotExist')) return undefined
      throw error
    }
  }

  /** Wakes what waits with this token; one that nobody waits with any more is no error. */
  async wake(token: string): Promise<void> {
    try {
      await callJson(this.#props, STATES, 'SendTaskSuccess', { taskToken: token, output: '{}' })
    } catch (error) {
      if (!hasCode(error, 'aws.TaskTimedOut') && !hasCode(error, 'aws.InvalidToken')) throw error
    }
  }
}
