import { CfnResource, Stack, Validations } from 'aws-cdk-lib'
import { CfnDashboard } from 'aws-cdk-lib/aws-cloudwatch'
import { CfnStream } from 'aws-cdk-lib/aws-kinesis'
import { CfnFunction, CfnUrl } from 'aws-cdk-lib/aws-lambda'
import { CfnBucket } from 'aws-cdk-lib/aws-s3'
import { CfnQueue } from 'aws-cdk-lib/aws-sqs'
import { describe, expect, it } from 'vitest'
import { FunctionRole, type Permission } from '#lib/constructs/kernel/function-role.ts'
import { tagAll } from '#lib/stacks/tag-all.ts'
import { synth } from '#test/support/synth.ts'
import { findings, tagging } from '#test/support/synth-planted.ts'

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

describe('the URL of a function', () => {
  const withAuth = (authType: string) =>
    findings((stack) => {
      new CfnUrl(stack, 'Url', { authType, targetFunctionArn: 'some' })
    })

  it('answers signed requests only', () => {
    expect(withAuth('NONE')).toContain('answers everybody (AuthType "NONE"): set it to AWS_IAM')
    expect(withAuth('AWS_IAM')).toBe('')
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
  const planting = (plant: (stack: Stack) => void) => () =>
    synth({
      plant: (app) => plant(app.node.findChild('us-east-1').node.findChild('Ops') as Stack),
    })

  it('is under these guardrails and cannot acknowledge them away', () => {
    const failing = planting((stack) => {
      const queue = new CfnQueue(stack, 'Queue')
      queue.tags.removeTag('owner', 1000)
      Validations.of(queue).acknowledge({ id: 'Guardrails::tags', reason: 'in a hurry' })
    })

    expect(failing).toThrow(/AWS::SQS::Queue lacks the tags owner:/)
  })

  it('fails on a finding of AwsSolutions that nobody gave a reason for', () => {
    expect(planting((stack) => new CfnQueue(stack, 'Queue'))).toThrow(/AwsSolutions-SQS4/)
  })

  it('takes a pattern among the resources of a role only with a reason', () => {
    const resource = 'arn:aws:s3:::some/prefix/*'
    const role = (permission: Pick<Permission, 'on' | 'within'>) =>
      planting((stack) => {
        const permissions = [{ actions: ['s3:GetObject'], ...permission }]
        new FunctionRole(stack, 'Broad', { description: 'planted', permissions })
      })

    expect(role({ on: [resource] })).toThrow(/IAM5\[Resource::arn:aws:s3:::some\/prefix\/\*\]/)
    expect(role({ within: [{ resource, because: 'keys follow from content' }] })).not.toThrow()
  })
})
