import { ArnFormat, Fn, Stack, Validations } from 'aws-cdk-lib'
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js'
import { Construct } from 'constructs'
import { ObservedMachine } from '#lib/constructs/kernel/observed-machine.ts'
import { RUN_ERRORS } from '#lib/domain/backfill/failure.ts'
import { PARALLEL_CHUNKS } from '#lib/domain/backfill/plan.ts'
import type { BackfillStep } from '#lib/domain/backfill/steps.ts'

export interface BackfillMachineProps {
  readonly product: string
  readonly step: IFunction
  readonly chunk: IFunction
  /** Of the cell, for the machine's log. */
  readonly cellKey: IKey
}

/** Longer than the functions may run. */
const TASK_SECONDS = 960
const APPROVAL_SECONDS = 14 * 86_400

/**
 * The state machine of a product's backfills. It knows the order only; what is done stands in the backfill's document and in
 * the journal of its chunks, so a run may be started again, or redriven, at any state.
 */
export class BackfillMachine extends Construct {
  readonly stateMachineArn: string

  constructor(scope: Construct, id: string, props: BackfillMachineProps) {
    super(scope, id)
    const { product, step, chunk, cellKey } = props
    const machine = new ObservedMachine(this, 'Runs', {
      definition: definitionOf(props),
      description: `Runs backfills of ${product}`,
      permissions: [
        { actions: ['lambda:InvokeFunction'], on: [step.functionArn, chunk.functionArn] },
      ],
      cellKey,
      // The token that an approval is given with is not to be found in a log.
      logsData: false,
    })
    this.stateMachineArn = machine.stateMachineArn
    this.allowChildren(machine)
  }

  /** The chunks of a large range are executions of the machine's own. The role comes before the machine, this after it. */
  private allowChildren({ role, stateMachineArn, stateMachineName }: ObservedMachine): void {
    const executions = Fn.join('', [
      Stack.of(this).formatArn({
        service: 'states',
        resource: 'execution',
        resourceName: '',
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      stateMachineName,
      ':*',
    ])
    const policy = new Policy(this, 'Children', {
      roles: [role],
      statements: [
        new PolicyStatement({ actions: ['states:StartExecution'], resources: [stateMachineArn] }),
        new PolicyStatement({
          actions: ['states:DescribeExecution', 'states:StopExecution', 'states:RedriveExecution'],
          resources: [executions],
        }),
      ],
    })
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${flattenCfnReference(Stack.of(this).resolve(executions))}]`,
      reason: 'executions get their names when they are started',
    })
  }
}

/** What fails by itself is tried again; what no repeat helps, or nobody has to wait for, is not. */
const RETRY = [
  { ErrorEquals: [RUN_ERRORS.ended, RUN_ERRORS.decided], MaxAttempts: 0 },
  { ErrorEquals: ['States.ALL'], IntervalSeconds: 20, BackoffRate: 3, MaxAttempts: 4 },
]
const CATCH = [{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'End' }]
const INVOKE = 'arn:aws:states:::lambda:invoke'

function definitionOf({ step, chunk, product }: BackfillMachineProps) {
  const task = (name: BackfillStep, more: object) => ({
    Type: 'Task',
    Resource: INVOKE,
    Parameters: {
      FunctionName: step.functionName,
      Payload: { 'backfill.$': '$.backfill', step: name },
    },
    ResultSelector: {
      'next.$': '$.Payload.next',
      'chunks.$': '$.Payload.chunks',
      'isLarge.$': '$.Payload.isLarge',
    },
    ResultPath: '$.at',
    TimeoutSeconds: TASK_SECONDS,
    Retry: RETRY,
    Catch: CATCH,
    ...more,
  })
  const is = (next: string, state: string) => ({
    Variable: '$.at.next',
    StringEquals: next,
    Next: state,
  })
  const ofChunks = (mode: object) => ({
    Type: 'Map',
    ItemsPath: '$.at.chunks',
    ItemSelector: { 'backfill.$': '$.backfill', 'chunk.$': '$$.Map.Item.Value' },
    MaxConcurrency: PARALLEL_CHUNKS,
    ItemProcessor: {
      ProcessorConfig: mode,
      StartAt: 'Chunk',
      States: {
        Chunk: {
          Type: 'Task',
          Resource: INVOKE,
          Parameters: { FunctionName: chunk.functionName, 'Payload.$': '$' },
          // The machine keeps the answers of all: nothing of them is needed.
          ResultSelector: {},
          TimeoutSeconds: TASK_SECONDS,
          Retry: RETRY,
          End: true,
        },
      },
    },
    ResultPath: null,
    Catch: CATCH,
    Next: 'Land',
  })
  return {
    Comment: `Backfills of ${product}: look, wait for a person, begin, compute chunks, land, publish, end`,
    StartAt: 'Look',
    States: {
      Look: task('look', { Next: 'IsApproved' }),
      IsApproved: {
        Type: 'Choice',
        Choices: [is('wait', 'WaitForApproval'), is('begin', 'Begin')],
        Default: 'End',
      },
      WaitForApproval: {
        Type: 'Task',
        Resource: `${INVOKE}.waitForTaskToken`,
        Parameters: {
          FunctionName: step.functionName,
          Payload: { 'backfill.$': '$.backfill', step: 'wait', 'token.$': '$$.Task.Token' },
        },
        ResultPath: null,
        TimeoutSeconds: APPROVAL_SECONDS,
        Retry: RETRY,
        Catch: [{ ErrorEquals: [RUN_ERRORS.decided], ResultPath: null, Next: 'Look' }, ...CATCH],
        Next: 'Look',
      },
      Begin: task('begin', { Next: 'AreManyChunks' }),
      AreManyChunks: {
        Type: 'Choice',
        Choices: [{ Variable: '$.at.isLarge', BooleanEquals: true, Next: 'ManyChunks' }],
        Default: 'Chunks',
      },
      Chunks: ofChunks({ Mode: 'INLINE' }),
      ManyChunks: ofChunks({ Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' }),
      Land: task('land', { Next: 'HasLanded' }),
      HasLanded: {
        Type: 'Choice',
        Choices: [is('publish', 'Publish')],
        Default: 'AreManyChunks',
      },
      Publish: task('publish', { Next: 'IsPublished' }),
      IsPublished: {
        Type: 'Choice',
        Choices: [is('chunks', 'AreManyChunks')],
        Default: 'LetGo',
      },
      LetGo: task('end', { Next: 'Done' }),
      Done: { Type: 'Succeed' },
      End: task('end', {
        Parameters: {
          FunctionName: step.functionName,
          // The whole state: its `error` is there only if there was one.
          Payload: { 'backfill.$': '$.backfill', step: 'end', 'state.$': '$' },
        },
        Catch: undefined,
        Next: 'Ended',
      }),
      // Stopped, refused or failed: which of them stands in the backfill's document.
      Ended: {
        Type: 'Fail',
        Error: RUN_ERRORS.ended,
        Cause: 'not published: see weir backfill status',
      },
    },
  }
}
