import { describe, expect, it } from 'vitest'
import { type Resource, synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

/** Part of a template. */
// biome-ignore lint/suspicious/noExplicitAny: templates are of any shape, and the assertions say which
type Json = any

const PRODUCT = 'weir-us-east-1-sensor-readings'
const product = {
  ...productOf({ allowedLatenessSeconds: 60 }),
  views: [
    {
      name: 'readings',
      description: '',
      key: 'sensor',
      window: { kind: 'tumbling', sizeSeconds: 3600 } as const,
      aggregates: [{ name: 'readings', function: 'count' } as const],
      freshnessSeconds: 60,
    },
  ],
}
const cell = synth({ products: [product] })
const [machine] = cell.resources(PRODUCT, 'AWS::StepFunctions::StateMachine')
const { States: states } = machine!.Properties.Definition

function statements(begin: string, type = 'AWS::IAM::Role') {
  const found = Object.entries(cell.template(PRODUCT).Resources).filter(
    ([id, { Type }]) => Type === type && id.startsWith(begin),
  )
  expect(found).toHaveLength(1)
  const properties = (found[0]![1] as Resource).Properties
  const documents = properties.Policies?.map((one: Json) => one.PolicyDocument) ?? [
    properties.PolicyDocument,
  ]
  return documents.flatMap((one: Json) => one.Statement)
}

const actionsOf = (all: readonly { readonly Action: string | readonly string[] }[]) =>
  [...new Set(all.flatMap(({ Action }) => Action))].toSorted()

describe('backfills of a product', () => {
  it('have a state machine only where there are features to compute anew', () => {
    expect(synth().resources(PRODUCT, 'AWS::StepFunctions::StateMachine')).toEqual([])
    expect(cell.template(PRODUCT).Outputs.BackfillStateMachine).toBeDefined()
  })

  it('wait for a person by a task token, compute chunks side by side, and publish what has landed', () => {
    expect(states.WaitForApproval).toMatchObject({
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Parameters: { Payload: { step: 'wait', 'token.$': '$$.Task.Token' } },
      Next: 'Look',
    })
    expect(states.Chunks).toMatchObject({
      Type: 'Map',
      MaxConcurrency: 10,
      ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' } },
      Next: 'Land',
    })
    expect(states.ManyChunks).toMatchObject({
      Type: 'Map',
      ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' } },
      Next: 'Land',
    })
    expect(states.HasLanded.Choices).toMatchObject([{ StringEquals: 'publish', Next: 'Publish' }])
  })

  it('compute again what live data has overtaken, before and after they have landed', () => {
    expect(states.HasLanded.Default).toBe('AreManyChunks')
    expect(states.IsPublished.Choices).toMatchObject([
      { StringEquals: 'chunks', Next: 'AreManyChunks' },
    ])
  })

  it('let go of everything whatever fails', () => {
    const working = Object.entries<Json>(states).filter(
      ([name, { Type }]) => ['Task', 'Map'].includes(Type) && name !== 'End',
    )
    expect(working.length).toBeGreaterThan(7)

    for (const [name, { Catch: caught }] of working) {
      expect([name, caught.at(-1)]).toEqual([
        name,
        { ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'End' },
      ])
    }
    expect(states.End.Retry.at(-1)).toMatchObject({ ErrorEquals: ['States.ALL'] })
  })

  it('repeat what may pass, and not what no repeat helps', () => {
    for (const task of [states.Publish, states.Chunks.ItemProcessor.States.Chunk]) {
      expect(task.Retry[0]).toEqual({
        ErrorEquals: ['BackfillEnded', 'BackfillDecided'],
        MaxAttempts: 0,
      })
    }
  })

  it('wait longer for a function than it may take, and keep the token out of the log', () => {
    const functions = cell
      .resources(PRODUCT, 'AWS::Lambda::Function')
      .filter(({ Properties }) => /backfills/.test(Properties.Description))
    expect(functions).toHaveLength(2)

    for (const { Properties } of functions) {
      expect(states.Publish.TimeoutSeconds).toBeGreaterThan(Properties.Timeout)
    }
    expect(machine!.Properties.LoggingConfiguration.IncludeExecutionData).toBe(false)
  })

  it('let each part do its own work only: who computes publishes nothing, who publishes computes nothing', () => {
    const step = statements('BackfillStep')
    const chunk = statements('BackfillChunk')

    expect(actionsOf(step)).toEqual(
      [
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:UpdateItem',
        'events:PutEvents',
        'glue:GetTable',
        'glue:UpdateTable',
        'kms:Decrypt',
        'kms:GenerateDataKey',
        'logs:CreateLogStream',
        'logs:PutLogEvents',
        's3:GetObject',
        's3:ListBucket',
        's3:PutObject',
      ].toSorted(),
    )
    expect(actionsOf(chunk)).toEqual(
      actionsOf(step).filter(
        (one) => !['glue:UpdateTable', 'events:PutEvents', 'dynamodb:Query'].includes(one),
      ),
    )
    const puts = (all: readonly Json[]) =>
      JSON.stringify(all.filter(({ Action }) => [Action].flat().includes('s3:PutObject')))
    expect(puts(step).match(/\/[a-z_/]+\/\*/g)).toEqual([
      '/features/sensor_readings_readings/metadata/*',
      '/table/sensor_readings/metadata/*',
    ])
    expect(puts(chunk).match(/\/[a-z_/]+\/\*/g)).toEqual([
      '/features/sensor_readings_readings/data/*',
    ])
  })

  it('let the machine call its two functions, and start executions of its own for large ranges', () => {
    const role = statements('BackfillMachineRunsRole')
    const invoking = role.filter((one: Json) =>
      [one.Action].flat().includes('lambda:InvokeFunction'),
    )
    expect(invoking).toHaveLength(1)
    expect([invoking[0].Resource].flat()).toHaveLength(2)

    const children = statements('BackfillMachineChildren', 'AWS::IAM::Policy')
    expect(actionsOf(children)).toEqual([
      'states:DescribeExecution',
      'states:RedriveExecution',
      'states:StartExecution',
      'states:StopExecution',
    ])
    for (const { Resource } of children) {
      expect(JSON.stringify(Resource)).toContain('BackfillMachine')
    }
  })
})
