import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import {
  describeStack,
  isUsable,
  lastFailure,
  stackNames,
} from '#lib/adapters/cloudformation/stacks.ts'
import { withFileLock } from '#local/file-lock.ts'
import { type DeployEvent, resourcesByStack, runCdk } from './cdk.ts'
import { cellPrefix, ownStacks, productStackName, reaching, stateStackName } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'

/** What a deployment is of. */
export interface Deployment {
  readonly regions: readonly string[]
  readonly products: readonly string[]
}

/** Where this target's assembly, logs and record are: apart for each, so that two of them do not meet. */
export function deploymentFiles(context: CommandContext) {
  const { target, stateDir } = context
  const name = target.kind === 'local' ? String(target.port) : target.kind
  return {
    assembly: join(stateDir, `cdk.out-${name}`),
    log: (what: string) => join(stateDir, `cdk-${what}-${name}.log`),
    record: join(stateDir, `deployed-${name}.json`),
    lock: join(stateDir, `up-${name}.lock`),
  }
}

/**
 * Runs work that changes what is deployed while nobody else does: two deployments would write each other's assembly.
 * Fails with one line that names the process which is at it; one that died is none.
 */
export function deployingAlone<T>(
  context: CommandContext,
  command: 'up' | 'down',
  work: () => Promise<T>,
): Promise<T> {
  const failure = (pid: number) =>
    new CommandError(
      'deploy.busy',
      `${command} has to wait: process ${pid} is starting, deploying or ending this cloud; run \`weir ${command}\` again once it is done, or end it (kill ${pid})`,
    )
  return withFileLock(deploymentFiles(context).lock, { timeoutMs: 0, failure }, work)
}

/** Prepares the regions for the CDK, those that are not yet. */
export async function bootstrap(
  context: CommandContext,
  regions: readonly string[],
): Promise<void> {
  const missing: string[] = []
  for (const region of regions) {
    const client = new CloudFormationClient(context.target.clientConfig(region))
    const stack = await reaching(context, () => describeStack(client, 'CDKToolkit'))
    if (!isUsable(stack)) missing.push(region)
  }
  if (missing.length === 0) return
  context.terminal.remark(`preparing ${missing.join(', ')} for the CDK`)
  const sts = new STSClient(context.target.clientConfig(missing[0]!))
  const { Account: account } = await sts.send(new GetCallerIdentityCommand({}))
  await runCdk(context, {
    what: 'cdk bootstrap',
    args: ['bootstrap', ...missing.map((region) => `aws://${account}/${region}`)],
    logFile: deploymentFiles(context).log('bootstrap'),
    // Not the project's folder: the CDK would synthesize its app too, in a folder that others may be using.
    directory: context.stateDir,
  })
}

/** Templates and code of the cells, in the assembly folder. */
export async function synthesize(context: CommandContext, deployment: Deployment): Promise<void> {
  const files = deploymentFiles(context)
  await runCdk(context, {
    what: 'cdk synth',
    args: [
      'synth',
      '--quiet',
      '--context',
      `cells=${deployment.regions.join(',')}`,
      '--output',
      files.assembly,
    ],
    logFile: files.log('synth'),
  })
}

/** Deploys every stack of the cells from the assembly. */
export async function deployAssembly(
  context: CommandContext,
  deployment: Deployment,
): Promise<void> {
  const files = deploymentFiles(context)
  const totals = resourcesByStack(files.assembly)
  const done = new Map<string, number>()
  const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0)
  const bar = context.terminal.progress('deploying', sum(totals.values()), 'resources')
  try {
    await runCdk(context, {
      what: 'cdk deploy',
      args: [
        'deploy',
        ...deployment.regions.map((region) => `${region}/*`),
        '--app',
        files.assembly,
        '--require-approval',
        'never',
        '--progress',
        'events',
        '--concurrency',
        '4',
      ],
      logFile: files.log('deploy'),
      onEvent(event: DeployEvent) {
        totals.set(event.stack, event.total)
        done.set(event.stack, Math.max(event.done, done.get(event.stack) ?? 0))
        bar.update(sum(done.values()), sum(totals.values()))
      },
    })
  } catch (error) {
    const reason = await stackFailure(context, deployment)
    if (reason === undefined) throw error
    throw new CommandError('deploy.failed', `${reason}; the log is ${files.log('deploy')}`, {
      cause: error,
    })
  } finally {
    bar.stop()
  }
}

/** Whether exactly this source is deployed in all these cells already. */
export async function isDeployed(
  context: CommandContext,
  deployment: Deployment,
  fingerprint: string,
): Promise<boolean> {
  const record = readRecord(deploymentFiles(context).record)
  if (deployment.regions.some((region) => record[region] !== fingerprint)) return false
  const stacks = stacksOf(deployment).map(async ({ region, name }) =>
    describeStack(new CloudFormationClient(context.target.clientConfig(region)), name),
  )
  // Whatever answers there may not even be a cloud: then it is not deployed, and starting or deploying says why.
  return Promise.all(stacks).then(
    (found) => found.every(isUsable),
    () => false,
  )
}

/** Remembers what was deployed. */
export function recordDeployment(
  context: CommandContext,
  deployment: Deployment,
  fingerprint: string,
): void {
  const file = deploymentFiles(context).record
  const record = { ...readRecord(file) }
  for (const region of deployment.regions) record[region] = fingerprint
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify(record, null, 2)}\n`)
}

/** A hash of everything that a deployment is made from. */
export function sourceFingerprint(root: string): string {
  const hash = createHash('sha256')
  const patterns = [
    'lib/**',
    'functions/**',
    'products/**',
    'bin/app.ts',
    'cdk.json',
    'package-lock.json',
  ]
  for (const file of globSync(patterns, { cwd: root }).sort()) {
    const path = join(root, file)
    if (!statSync(path).isFile()) continue
    hash.update(file).update('\0').update(readFileSync(path)).update('\0')
  }
  return hash.digest('hex')
}

/** Product stacks in these regions that belong to no product of the project, by name. */
export async function leftoverStacks(
  context: CommandContext,
  { regions, products }: Deployment,
): Promise<readonly string[]> {
  const found = await Promise.all(
    regions.map(async (region) => {
      const client = new CloudFormationClient(context.target.clientConfig(region))
      const names = await stackNames(client, cellPrefix(region))
      return names.filter((name) => !ownStacks(region, products).includes(name))
    }),
  )
  return found.flat()
}

function stacksOf({ regions, products }: Deployment): { region: string; name: string }[] {
  return regions.flatMap((region) => [
    { region, name: stateStackName(region) },
    ...products.map((product) => ({ region, name: productStackName(region, product) })),
  ])
}

async function stackFailure(
  context: CommandContext,
  deployment: Deployment,
): Promise<string | undefined> {
  for (const { region, name } of stacksOf(deployment)) {
    const client = new CloudFormationClient(context.target.clientConfig(region))
    const stack = await describeStack(client, name).catch(() => undefined)
    if (stack === undefined || isUsable(stack)) continue
    const reason = await lastFailure(client, name).catch(() => undefined)
    return `stack ${name} is ${stack.status}${reason === undefined ? '' : `: ${reason}`}`
  }
  return undefined
}

function readRecord(file: string): Readonly<Record<string, string>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return {}
  }
}
