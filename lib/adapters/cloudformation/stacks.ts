import {
  type CloudFormationClient,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  paginateDescribeStacks,
} from '@aws-sdk/client-cloudformation'

/** A deployed stack. */
export interface DeployedStack {
  readonly name: string
  /** As CloudFormation spells it, e.g. `CREATE_COMPLETE`. */
  readonly status: string
  readonly outputs: Readonly<Record<string, string>>
}

/** The stack with this name; undefined if there is none. */
export async function describeStack(
  client: CloudFormationClient,
  name: string,
): Promise<DeployedStack | undefined> {
  try {
    const { Stacks: stacks = [] } = await client.send(
      new DescribeStacksCommand({ StackName: name }),
    )
    const stack = stacks[0]
    if (stack === undefined || stack.StackStatus === 'DELETE_COMPLETE') return undefined
    const outputs = (stack.Outputs ?? []).map((one) => [one.OutputKey ?? '', one.OutputValue ?? ''])
    return { name, status: stack.StackStatus ?? 'UNKNOWN', outputs: Object.fromEntries(outputs) }
  } catch (error) {
    // "does not exist" has no error class of its own.
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined
    throw error
  }
}

/** The names of all stacks that start so, in order. */
export async function stackNames(
  client: CloudFormationClient,
  prefix: string,
): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { Stacks: stacks = [] } of paginateDescribeStacks({ client }, {})) {
    for (const { StackName: name = '', StackStatus: status } of stacks) {
      if (name.startsWith(prefix) && status !== 'DELETE_COMPLETE') names.push(name)
    }
  }
  return names.sort()
}

/** Whether what the stack describes is there: created, updated, or rolled back to what it was. */
export function isUsable(stack: DeployedStack | undefined): boolean {
  return (
    stack !== undefined && /^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$/.test(stack.status)
  )
}

/** The newest reason why a resource of the stack failed; undefined if none is known. */
export async function lastFailure(
  client: CloudFormationClient,
  name: string,
): Promise<string | undefined> {
  const { StackEvents: events = [] } = await client.send(
    new DescribeStackEventsCommand({ StackName: name }),
  )
  const failed = events.find(
    (event) =>
      event.ResourceStatus?.endsWith('_FAILED') &&
      // Cancelled because another failed: that one is the reason.
      !/cancelled/i.test(event.ResourceStatusReason ?? ''),
  )
  if (failed === undefined) return undefined
  return `${failed.LogicalResourceId} (${failed.ResourceType}): ${failed.ResourceStatusReason ?? failed.ResourceStatus}`
}
