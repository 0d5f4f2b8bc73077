import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { FunctionErrors } from '#lib/adapters/logs/function-errors.ts'

it('the newest error of a function is found in its own log, with IAM enforced', async () => {
  const lambda = new LambdaClient(clientConfig({ region: 'us-east-1' }))
  const { Functions: functions = [] } = await lambda.send(new ListFunctionsCommand({}))
  const named = (part: string) =>
    functions.find((one) => one.FunctionName!.includes(part))!.FunctionName!
  const sinceMs = Date.now()
  for (const view of ['first', 'second']) {
    await lambda.send(
      new InvokeCommand({
        FunctionName: named('us-east-1-trips-GetFeatures'),
        Payload: Buffer.from(JSON.stringify({ view, key: '1' })),
      }),
    )
  }
  const errors = new FunctionErrors({ lambda, endpoint: process.env.AWS_ENDPOINT_URL })

  const last = await errors.last(named('us-east-1-trips-GetFeatures'), sinceMs)

  expect(last).toMatchObject({
    message: expect.stringContaining('no view "second": known are '),
    logGroup: expect.stringContaining('GetFeatures'),
  })
  expect(last!.atMs).toBeGreaterThanOrEqual(sinceMs)
  expect(
    await errors.last(named('us-east-1-trips-GetFeatures'), Date.now() + 60_000),
  ).toBeUndefined()
})
