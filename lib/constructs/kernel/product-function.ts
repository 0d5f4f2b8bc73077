import { type Duration, RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import {
  Architecture,
  Code,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { FunctionRole, type Permission } from './function-role.ts'

export interface ProductFunctionProps {
  readonly description: string
  /** Folder with the function's code and its product, as `FunctionBundles.stage` makes it. */
  readonly codeFolder: string
  /** Exactly what the function's schema asks for. */
  readonly environment: Readonly<Record<string, string>>
  readonly memoryMib: number
  readonly timeout: Duration
  readonly permissions: readonly Permission[]
  /** How many processes there are at most. @default as many as calls need */
  readonly concurrency?: number
  /** The cell's key, for its logs. */
  readonly cellKey: IKey
}

/** One function of a data product with a role and a log group of its own. */
export class ProductFunction extends Construct {
  readonly function: LambdaFunction

  constructor(scope: Construct, id: string, props: ProductFunctionProps) {
    super(scope, id)
    const logGroup = new LogGroup(this, 'Logs', {
      retention: RetentionDays.THREE_MONTHS,
      encryptionKey: props.cellKey,
      // Logs tell what happened; what is true stands in the stores. They may go with the function.
      removalPolicy: RemovalPolicy.DESTROY,
    })
    const role = new FunctionRole(this, 'Role', {
      description: props.description,
      permissions: [
        ...props.permissions,
        // The ARN of a log group ends in ":*" by itself: its streams.
        { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], on: [logGroup.logGroupArn] },
      ],
    })
    this.function = new LambdaFunction(this, 'Function', {
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      handler: 'index.handler',
      code: Code.fromAsset(props.codeFolder),
      environment: { ...props.environment },
      memorySize: props.memoryMib,
      timeout: props.timeout,
      ...(props.concurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: props.concurrency }),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
    })
  }
}
