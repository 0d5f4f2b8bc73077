import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import { Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import { FunctionRole } from '#lib/constructs/kernel/function-role.ts'
import { ObservedMachine } from '#lib/constructs/kernel/observed-machine.ts'
import type { MaintenanceSchedule } from '#lib/domain/contract/maintenance-terms.ts'
import { productId } from '#lib/topology/names.ts'

export interface MaintainedProduct {
  readonly product: string
  readonly schedule: MaintenanceSchedule
  readonly maintainTable: IFunction
}

export interface MaintenanceMachineProps {
  readonly products: readonly MaintainedProduct[]
  /** Of the cell, for the machine's log. */
  readonly cellKey: IKey
}

/**
 * Calls a product's function again with what it answered, until it says that it is done. A repeat of a call is harmless, so
 * whatever fails is tried again; what goes on failing ends the run, and the next one begins anew.
 */
const DEFINITION = {
  Comment: 'Tends the tables of one product: compaction, manifests, expiry and orphans of each',
  StartAt: 'Name',
  States: {
    Name: {
      Type: 'Pass',
      // The name of the execution is the run's: what a step did is written down once under it.
      Parameters: { 'function.$': '$.function', 'run.$': '$$.Execution.Name' },
      Next: 'Step',
    },
    Step: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Parameters: { 'FunctionName.$': '$.function', 'Payload.$': '$' },
      OutputPath: '$.Payload',
      // Longer than the function may run.
      TimeoutSeconds: 960,
      Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 20, BackoffRate: 3, MaxAttempts: 4 }],
      Next: 'IsDone',
    },
    IsDone: {
      Type: 'Choice',
      Choices: [{ Variable: '$.done', BooleanEquals: true, Next: 'Done' }],
      Default: 'Step',
    },
    Done: { Type: 'Succeed' },
  },
} as const

/** The state machine of a cell that tends its tables, and the clocks that start it, one for each product. */
export class MaintenanceMachine extends Construct {
  readonly stateMachineArn: string
  private readonly machine: ObservedMachine

  constructor(scope: Construct, id: string, { products, cellKey }: MaintenanceMachineProps) {
    super(scope, id)
    this.machine = new ObservedMachine(this, 'Tend', {
      definition: DEFINITION,
      description: 'Calls the functions that tend tables',
      // A statement without a resource is none: a cell may have no product yet.
      permissions:
        products.length === 0
          ? []
          : [
              {
                actions: ['lambda:InvokeFunction'],
                on: products.map(({ maintainTable }) => maintainTable.functionArn),
              },
            ],
      cellKey,
    })
    const { stateMachineArn } = this.machine
    this.stateMachineArn = stateMachineArn
    const starter = new FunctionRole(this, 'Starter', {
      description: 'Starts the machine that tends tables',
      service: 'events.amazonaws.com',
      permissions: [{ actions: ['states:StartExecution'], on: [stateMachineArn] }],
    })
    for (const { product, schedule, maintainTable } of products) {
      if (schedule === 'never') continue
      const input = RuleTargetInput.fromObject({ function: maintainTable.functionName })
      new Rule(this, `${productId(product)}Clock`, {
        description: `Has the tables of ${product} tended`,
        schedule: clockOf(product, schedule),
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

/** At a minute of the product's own, so that not all of them begin at once; daily ones while Europe and America sleep. */
function clockOf(product: string, schedule: 'daily' | 'hourly'): Schedule {
  const sum = [...product].reduce((total, letter) => total + letter.charCodeAt(0), 0)
  const minute = String(sum % 60)
  return schedule === 'hourly' ? Schedule.cron({ minute }) : Schedule.cron({ minute, hour: '4' })
}
