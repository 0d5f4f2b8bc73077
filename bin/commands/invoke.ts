import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'

/** What a function threw. */
export class FunctionFailure extends CommandError {
  /** The error's class or code, as the function reported it. */
  readonly errorType: string

  constructor(functionName: string, errorType: string, message: string) {
    super('function.failed', `${functionName}: ${message}`)
    this.errorType = errorType
  }
}

/** Calls a function and waits; answers the exact JSON text that it returned. */
export async function invokeFunction(
  context: CommandContext,
  region: string,
  functionName: string,
  payload: unknown,
): Promise<string> {
  const client = new LambdaClient(context.target.clientConfig(region))
  const answer = await client.send(
    new InvokeCommand({
      FunctionName: functionName,
      Payload: Buffer.from(JSON.stringify(payload)),
    }),
    { abortSignal: context.signal },
  )
  const text = Buffer.from(answer.Payload ?? []).toString('utf8')
  if (answer.FunctionError === undefined) return text
  const { errorType, errorMessage } = parseFailure(text)
  throw new FunctionFailure(functionName, errorType, errorMessage)
}

function parseFailure(text: string): { errorType: string; errorMessage: string } {
  try {
    const parsed = JSON.parse(text)
    return {
      errorType: String(parsed.errorType ?? 'Error'),
      errorMessage: String(parsed.errorMessage ?? text),
    }
  } catch {
    return { errorType: 'Error', errorMessage: text }
  }
}
