import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'

/** Something a function may do. */
export interface Permission {
  /** Each spelt out: an action with a wildcard grows with AWS, not with the function. */
  readonly actions: readonly string[]
  /** Resources known by name. */
  readonly on?: readonly string[]
  /** Resources that have no name before they exist, such as the keys under a prefix. */
  readonly within?: readonly Reach[]
}

/** A resource pattern that cannot do without a `*`, and the reason. */
export interface Reach {
  readonly resource: string
  readonly because: string
}

export interface FunctionRoleProps {
  readonly description: string
  /** Who takes the role. @default Lambda */
  readonly service?: string
  readonly permissions: readonly Permission[]
}

/**
 * The role of one function, or of what calls functions. Everything it may do is written where it is made: no grant adds to it later, because
 * those of the CDK bring wildcard actions along.
 */
export class FunctionRole extends Role {
  /** Every pattern among the role's resources with its reason; the nag pack takes no other. */
  readonly reaches: readonly Reach[]

  constructor(scope: Construct, id: string, props: FunctionRoleProps) {
    const statements = props.permissions.map(
      ({ actions, on = [], within = [] }) =>
        new PolicyStatement({
          actions: [...actions],
          resources: [...on, ...within.map((reach) => reach.resource)],
        }),
    )
    super(scope, id, {
      assumedBy: new ServicePrincipal(props.service ?? 'lambda.amazonaws.com'),
      description: props.description,
      // In the role itself, so that a function never exists before it may do its work.
      inlinePolicies: { Function: new PolicyDocument({ statements }) },
    })
    this.reaches = props.permissions.flatMap((permission) => permission.within ?? [])
  }
}
