import { type App, CfnResource, Stack, Validations } from 'aws-cdk-lib'
import { CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch'
import { CfnStream } from 'aws-cdk-lib/aws-kinesis'
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { CfnBucket } from 'aws-cdk-lib/aws-s3'
import { CfnQueue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, it } from 'vitest'
import { Guardrails } from '#lib/guardrails/guardrails.ts'
import { tagAll } from '#lib/stacks/tag-all.ts'
import { cellTags } from '#lib/topology/tags.ts'
import { defineTopology } from '#lib/topology/topology.ts'
import { newApp, synth } from '#test/support/synth.ts'

const topology = defineTopology()
const tagging = cellTags(topology, topology.cells[0]!)

/** What the guardrails say about a stack with one planted resource or more. */
function findings(plant: (stack: Stack, app: App) => void): string {
  const app = newApp()
  Validations.of(app).addPlugins(new Guardrails())
  const stack = new Stack(app, 'Planted', { env: { region: 'us-east-1' } })
  tagAll(stack, tagging)
  plant(stack, app)
  try {
    app.synth()
    return ''
  } catch (error) {
    return (error as Error).message
  }
}

type MappingProps = Partial<ConstructorParameters<typeof CfnEventSourceMapping>[2]>

const SAFE: MappingProps = {
  startingPosition: 'TRIM_HORIZON',
  maximumRetryAttempts: -1,
  maximumRecordAgeInSeconds: -1,
}

function mapping(stack: Stack, id: string, props: MappingProps): CfnEventSourceMapping {
  return new CfnEventSourceMapping(stack, id, { functionName: 'reader', ...props })
}

/** What is said about a mapping on a stream of events. */
function onStream(props: MappingProps, override?: [path: string, value: unknown]): string {
  return findings((stack) => {
    const { attrArn } = new CfnStream(stack, 'Events', { shardCount: 1, retentionPeriodHours: 168 })
    const planted = mapping(stack, 'Mapping', { eventSourceArn: attrArn, ...SAFE, ...props })
    if (override) planted.addPropertyOverride(...override)
  })
}

describe('a mapping on a stream of events', () => {
  it('passes if it neither skips nor reorders anything', () => {
    expect(onStream({ parallelizationFactor: 1, bisectBatchOnFunctionError: true })).toBe('')
  })

  it.each<[string, MappingProps]>([
    ['ParallelizationFactor 2', { parallelizationFactor: 2 }],
    ['TumblingWindowInSeconds 30', { tumblingWindowInSeconds: 30 }],
    ['MaximumRetryAttempts 5', { maximumRetryAttempts: 5 }],
    ['MaximumRecordAgeInSeconds 3600', { maximumRecordAgeInSeconds: 3600 }],
    ['StartingPosition "LATEST"', { startingPosition: 'LATEST' }],
    ['BatchSize 20000', { batchSize: 20_000 }],
    ['MaximumBatchingWindowInSeconds 301', { maximumBatchingWindowInSeconds: 301 }],
    ['FilterCriteria', { filterCriteria: { filters: [{ pattern: '{}' }] } }],
    [
      'DestinationConfig',
      { destinationConfig: { onFailure: { destination: 'arn:aws:sqs:us-east-1:1:failed' } } },
    ],
  ])('is refused with %s', (what, props) => {
    const said = onStream(props)

    expect(said).toContain(what)
    expect(said).toContain('Planted/Mapping')
  })

  it('is refused without a limit of attempts spelt out', () => {
    expect(onStream({ maximumRetryAttempts: undefined })).toContain('MaximumRetryAttempts left out')
  })

  it('is refused if only an override breaks it', () => {
    expect(onStream({}, ['ParallelizationFactor', 10])).toContain('ParallelizationFactor 10')
  })

  it('is refused beside another one: one reader decides what an event is', () => {
    const said = findings((stack) => {
      const { attrArn } = new CfnStream(stack, 'Events', {
        shardCount: 1,
        retentionPeriodHours: 168,
      })
      mapping(stack, 'First', { eventSourceArn: attrArn, ...SAFE })
      mapping(stack, 'Second', { eventSourceArn: attrArn, ...SAFE })
    })

    expect(said).toContain('reader number 2')
  })

  it('is known through an import from another stack', () => {
    const said = findings((stack, app) => {
      const other = new Stack(app, 'Other', { env: { region: 'us-east-1' } })
      tagAll(other, tagging)
      const { attrArn } = new CfnStream(other, 'Events', {
        shardCount: 1,
        retentionPeriodHours: 168,
      })
      mapping(stack, 'Mapping', { eventSourceArn: attrArn, ...SAFE, parallelizationFactor: 3 })
    })

    expect(said).toContain('ParallelizationFactor 3')
  })

  it('is known by its ARN alone, also one that is put together', () => {
    const said = findings((stack) => {
      const eventSourceArn = `arn:${stack.partition}:kinesis:us-east-1:${stack.account}:stream/other`
      mapping(stack, 'Mapping', { eventSourceArn, ...SAFE, parallelizationFactor: 4 })
    })

    expect(said).toContain('ParallelizationFactor 4')
  })

  it('is refused if nobody can tell what it reads', () => {
    const said = findings((stack) => {
      mapping(stack, 'Mapping', { selfManagedEventSource: {}, topics: ['events'] })
    })

    expect(said).toContain('reads something that the template does not name')
  })
})

describe('a mapping on a queue', () => {
  const onQueue = (fifoQueue: boolean, props: MappingProps) =>
    findings((stack) => {
      const { attrArn } = new CfnQueue(stack, 'Queue', { ...(fifoQueue ? { fifoQueue } : {}) })
      mapping(stack, 'Mapping', { eventSourceArn: attrArn, ...props })
    })

  it('takes no more than ten messages of a FIFO queue, and no window', () => {
    expect(onQueue(true, { batchSize: 10 })).toBe('')
    expect(onQueue(true, { batchSize: 11 })).toContain('BatchSize 11 is refused by AWS on a FIFO')
    expect(onQueue(true, { maximumBatchingWindowInSeconds: 5 })).toContain(
      'on a FIFO queue: remove',
    )
  })

  it('takes more than ten messages of a standard queue only with a window', () => {
    expect(onQueue(false, { batchSize: 100, maximumBatchingWindowInSeconds: 1 })).toBe('')
    expect(onQueue(false, { batchSize: 100 })).toContain('refused by AWS without a window')
  })
})

describe('a target for failures', () => {
  const sendingTo = (destination: (stack: Stack) => string) =>
    findings((stack) => {
      new CfnResource(stack, 'Invoke', {
        type: 'AWS::Lambda::EventInvokeConfig',
        properties: {
          FunctionName: 'some',
          Qualifier: '$LATEST',
          DestinationConfig: { OnFailure: { Destination: destination(stack) } },
        },
      })
    })

  it('is never a bucket, which alone gets the whole payload', () => {
    expect(sendingTo((stack) => new CfnBucket(stack, 'Failed').attrArn)).toContain('to a bucket')
    expect(sendingTo(() => 'arn:aws:s3:::failed')).toContain('to a bucket')
  })

  it('may be a queue', () => {
    expect(sendingTo((stack) => new CfnQueue(stack, 'Failed').attrArn)).toBe('')
  })
})

describe('a stream', () => {
  it('of tier 1 keeps its events for a week', () => {
    const said = findings((stack) => {
      new CfnStream(stack, 'Events', { shardCount: 1, retentionPeriodHours: 24 })
    })

    expect(said).toContain('for 24 hours: set RetentionPeriodHours to at least 168')
  })

  it('takes no record that a function cannot be handed', () => {
    const said = findings((stack) => {
      const stream = new CfnStream(stack, 'Events', { shardCount: 1, retentionPeriodHours: 168 })
      stream.addPropertyOverride('MaxRecordSizeInKiB', 10_240)
    })

    expect(said).toContain('records of 10240 KiB')
  })
})

describe('the environment of a function', () => {
  const withVariables = (variables: Record<string, string>) =>
    findings((stack) => {
      const code = { zipFile: 'export const handler = () => {}' }
      const role = 'arn:aws:iam::111111111111:role/some'
      const props = { code, role, handler: 'index.handler', runtime: 'nodejs24.x' }
      new CfnFunction(stack, 'Function', { ...props, environment: { variables } })
    })

  it('has no name that Lambda keeps for itself', () => {
    expect(withVariables({ WEIR_REGION: 'eu-west-1' })).toBe('')
    expect(withVariables({ AWS_REGION: 'eu-west-1' })).toContain('"AWS_REGION" is refused')
  })

  it('is no larger than Lambda takes', () => {
    expect(withVariables({ VIEWS: 'x'.repeat(5000) })).toContain('take about 5005 bytes')
  })
})

describe('a resource', () => {
  it('without an owner fails the synth, whatever its type', () => {
    const said = findings((stack) => {
      const queue = new CfnQueue(stack, 'Queue')
      queue.tags.removeTag('owner', 1000)
      new CfnResource(stack, 'Novelty', { type: 'AWS::Novel::Thing' })
    })

    expect(said).toContain('AWS::SQS::Queue lacks the tags owner:')
    expect(said).toContain('AWS::Novel::Thing lacks the tags owner, domain, data-product')
  })

  it('of a type that takes no tags passes', () => {
    expect(findings((stack) => new CfnDashboard(stack, 'Page', { dashboardBody: '{}' }))).toBe('')
  })

  it.each([
    ['a role', 'AWS::IAM::Role', 'AssumeRolePolicyDocument'],
    ['a policy beside it', 'AWS::S3::BucketPolicy', 'PolicyDocument'],
  ])('allows no action with a wildcard: %s', (_what, type, property) => {
    const said = findings((stack) => {
      const Statement = [{ Effect: 'Allow', Action: ['s3:Get*', 's3:PutObject'], Resource: 'x' }]
      const properties = { Bucket: 'x', [property]: { Statement } }
      const planted = new CfnResource(stack, 'Planted', { type, properties })
      planted.addPropertyOverride('Tags', tagging)
    })

    expect(said).toContain('allows s3:Get*: name each action')
  })

  it('imports nothing from another cell', () => {
    const said = findings((stack, app) => {
      const other = new Stack(app, 'Elsewhere', { env: { region: 'us-east-1' } })
      tagAll(other, tagging)
      new CfnQueue(stack, 'Queue', {
        redrivePolicy: { deadLetterTargetArn: new CfnQueue(other, 'Failed').attrArn },
      })
    })

    expect(said).toContain('which Elsewhere exports: keep what it needs in its own cell')
  })
})

describe('the app', () => {
  it('is under these guardrails and cannot acknowledge them away', () => {
    const failing = () =>
      synth({
        plant: (app) => {
          const stack = app.node.findChild('us-east-1').node.findChild('Ops') as Stack
          const queue = new CfnQueue(stack, 'Queue')
          queue.tags.removeTag('owner', 1000)
          Validations.of(queue).acknowledge({ id: 'Guardrails::tags', reason: 'in a hurry' })
        },
      })

    expect(failing).toThrow(/AWS::SQS::Queue lacks the tags owner:/)
  })

  it('fails on a finding of AwsSolutions that nobody gave a reason for', () => {
    const failing = () =>
      synth({
        plant: (app) => {
          const stack = app.node.findChild('us-east-1').node.findChild('Ops') as Stack
          new CfnQueue(stack, 'Queue')
        },
      })

    expect(failing).toThrow(/AwsSolutions-SQS4/)
  })
})
