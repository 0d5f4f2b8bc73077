import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { FunctionRole } from '#lib/constructs/kernel/function-role.ts'
import { ObservedMachine } from '#lib/constructs/kernel/observed-machine.ts'
import { PUBLISH_PHASES, type PublishPhase } from '#lib/domain/features/publish/publish-run.ts'
import { productId } from '#lib/topology/names.ts'

export interface PublishedProduct {
  readonly product: string
  readonly publishFeatures: IFunction
  /** Whether it has a view that is published: without one there is nothing to do each night. */
  readonly hasViews: boolean
}

export interface PublishMachineProps {
  readonly products: readonly PublishedProduct[]
  readonly cellKey: IKey
}

/** What a repeat does not mend: somebody has to look, or it is as it should be. */
const FINAL_FAILURES = [
  'features.notReady',
  'features.publishing',
  'features.publishLost',
  'features.bufferIncomplete',
  'features.olderCut',
  'features.redefined',
  'features.badCut',
  'features.badRequest',
  'features.unknownView',
  'features.itemTooLarge',
  'features.batchUnreadable',
  'features.runIncomplete',
]

/** The state machine of a cell that publishes features, and the clocks that start it each night, one for each product. */
export class PublishMachine extends Construct {
  readonly stateMachineArn: string
  private readonly machine: ObservedMachine

  constructor(scope: Construct, id: string, { products, cellKey }: PublishMachineProps) {
    super(scope, id)
    this.machine = new ObservedMachine(this, 'Publish', {
      definition: definition(),
      description: 'Calls the functions that publish features',
      permissions:
        products.length === 0
          ? []
          : [
              {
                actions: ['lambda:InvokeFunction'],
                on: products.map(({ publishFeatures }) => publishFeatures.functionArn),
              },
            ],
      cellKey,
    })
    const { stateMachineArn } = this.machine
    this.stateMachineArn = stateMachineArn
    const starter = new FunctionRole(this, 'Starter', {
      description: 'Starts the machine that publishes features',
      service: 'events.amazonaws.com',
      permissions: [{ actions: ['states:StartExecution'], on: [stateMachineArn] }],
    })
    for (const { product, publishFeatures, hasViews } of products) {
      if (!hasViews) continue
      const input = RuleTargetInput.fromObject({
        function: publishFeatures.functionName,
        by: 'schedule',
      })
      new Rule(this, `${productId(product)}Clock`, {
        description: `Has the features of ${product} published`,
        // The day before is over; the run itself waits until its data is there.
        schedule: Schedule.cron({ minute: '5', hour: '0' }),
        // By hand: the ready-made target gives its role a policy that takes no tags.
        targets: [{ bind: () => ({ arn: stateMachineArn, role: starter, input }) }],
      })
    }
  }

  /** Runs that ended before they were done. */
  failures(): Metric {
    return this.machine.failures()
  }
}

/**
 * A state for each phase of a run, called again with what it answered until it says that the next one is due. A repeat of a
 * call is harmless, so whatever fails is tried again, unless a repeat cannot mend it; an execution that failed can be
 * redriven, or begun again under the same name of a run.
 */
function definition(): object {
  const states = PUBLISH_PHASES.flatMap((phase, at) => {
    const [name, next] = [stateOf(phase), stateOf(PUBLISH_PHASES[at + 1])]
    return Object.entries({
      [name]: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Parameters: { 'FunctionName.$': '$.function', 'Payload.$': '$' },
        OutputPath: '$.Payload',
        // Longer than the function may run.
        TimeoutSeconds: 960,
        Retry: [
          { ErrorEquals: FINAL_FAILURES, MaxAttempts: 0 },
          { ErrorEquals: ['States.ALL'], IntervalSeconds: 20, BackoffRate: 3, MaxAttempts: 4 },
        ],
        Next: `${name}IsOver`,
      },
      [`${name}IsOver`]: {
        Type: 'Choice',
        Choices: [
          { Variable: '$.waitSeconds', NumericGreaterThan: 0, Next: `${name}Later` },
          { Variable: '$.phase', StringEquals: phase, Next: name },
        ],
        Default: next,
      },
      [`${name}Later`]: { Type: 'Wait', SecondsPath: '$.waitSeconds', Next: name },
    })
  })
  return {
    Comment:
      'Publishes features: compute, write, count, look whether the data is ready, change over',
    StartAt: 'Name',
    States: {
      Name: {
        Type: 'Pass',
        // Unless the input says which `run` to go on with, it is called as its execution is.
        Parameters: { 'name.$': '$$.Execution.Name' },
        ResultPath: '$.execution',
        Next: stateOf(PUBLISH_PHASES[0]),
      },
      ...Object.fromEntries(states),
      Done: { Type: 'Succeed' },
    },
  }
}

function stateOf(phase: PublishPhase | undefined): string {
  return phase === undefined ? 'Done' : `${phase.charAt(0).toUpperCase()}${phase.slice(1)}`
}
