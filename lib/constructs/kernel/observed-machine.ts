import { RemovalPolicy } from 'aws-cdk-lib'
import { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { IRole } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions'
import { Construct } from 'constructs'
import { FunctionRole, type Permission } from './function-role.ts'

export interface ObservedMachineProps {
  /** In Amazon States Language. */
  readonly definition: object
  /** Of its role: what it does. */
  readonly description: string
  /** What its states need. */
  readonly permissions: readonly Permission[]
  /** Of the cell, for the machine's log. */
  readonly cellKey: IKey
  /** Whether the log holds what goes from step to step. @default true */
  readonly logsData?: boolean
}

/** A state machine with a role, a log of all it does, traces, and a count of its failures. */
export class ObservedMachine extends Construct {
  readonly stateMachineArn: string
  /** Of its executions' ARNs. */
  readonly stateMachineName: string
  readonly role: IRole

  constructor(scope: Construct, id: string, props: ObservedMachineProps) {
    super(scope, id)
    const { definition, description, permissions, cellKey, logsData = true } = props
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.THREE_MONTHS,
      encryptionKey: cellKey,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const role = new FunctionRole(this, 'Role', {
      description,
      service: 'states.amazonaws.com',
      permissions: [...permissions, ...OBSERVATION],
    })
    const machine = new CfnStateMachine(this, 'Machine', {
      definition,
      roleArn: role.roleArn,
      stateMachineType: 'STANDARD',
      loggingConfiguration: {
        level: 'ALL',
        // What goes from step to step are names and numbers.
        includeExecutionData: logsData,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logGroup.logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    })
    this.stateMachineArn = machine.attrArn
    this.stateMachineName = machine.attrName
    this.role = role
  }

  /** Runs that ended before they were done. */
  failures(): Metric {
    return new Metric({
      namespace: 'AWS/States',
      metricName: 'ExecutionsFailed',
      dimensionsMap: { StateMachineArn: this.stateMachineArn },
      statistic: 'sum',
    })
  }
}

/** Step Functions delivers its log and its traces by actions that know no single resource. */
const OBSERVATION: readonly Permission[] = [
  {
    actions: [
      'logs:CreateLogDelivery',
      'logs:GetLogDelivery',
      'logs:UpdateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:DescribeResourcePolicies',
      'logs:DescribeLogGroups',
      'xray:PutTraceSegments',
      'xray:PutTelemetryRecords',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
    ],
    within: [
      {
        resource: '*',
        because: 'deliveries of logs and traces are not resources that a policy can name',
      },
    ],
  },
]
