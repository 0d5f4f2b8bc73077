import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { describeStack, isUsable } from '#lib/adapters/cloudformation/stacks.ts'
import { productId, stackName } from '#lib/topology/names.ts'
import { cellOf, defineTopology } from '#lib/topology/topology.ts'
import type { CommandContext } from './context.ts'
import { CommandError, isConnectionRefused } from './failure.ts'

/** Regions that every account has: where a cell is looked for when nobody names one. */
const REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'sa-east-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'eu-central-1',
  'eu-north-1',
  'ap-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-southeast-1',
  'ap-southeast-2',
] as const

/** What a cell's state stack says about itself. */
export interface DeployedCell {
  readonly region: string
  readonly database: string
  /** Athena's work group of each purpose that people query for. */
  readonly workGroups: ReadonlyMap<string, string>
  /** All outputs of the state stack. */
  readonly outputs: Readonly<Record<string, string>>
}

/** Where one product of a cell lives. */
export interface DeployedProduct {
  readonly cell: DeployedCell
  readonly product: string
  readonly streamName: string
  readonly bucket: string
  readonly journalTable: string
  readonly slotsTable: string
  readonly featuresTable: string
  /** Undefined for a product without features. */
  readonly backfillMachine?: string
  readonly functions: {
    readonly archiveEvents: string
    readonly commitSnapshots: string
    readonly updateWindows: string
    readonly finalizeWindows: string
    readonly getFeatures: string
    /** Only of a product with decisions. */
    readonly decide?: string
    readonly maintainTable: string
    readonly publishFeatures: string
  }
}

/** The cell in this region, or one line naming where there are cells. */
export async function cellIn(context: CommandContext, region: string): Promise<DeployedCell> {
  const cell = await findCell(context, region)
  if (cell !== undefined) return cell
  const deployed = (await deployedCells(context)).map((one) => one.region)
  const known =
    deployed.length === 0
      ? 'no cell is deployed: run `npm run weir -- up`'
      : `deployed are ${deployed.join(', ')}`
  throw new CommandError('cell.unknown', `no cell in region "${region}": ${known}`)
}

/** The cell in this region; undefined if none is deployed there. */
export async function findCell(
  context: CommandContext,
  region: string,
): Promise<DeployedCell | undefined> {
  // Said before the network is asked: a client takes any text as a region, and waits for a host of that name.
  if (!isRegion(region)) return undefined
  const stack = await reaching(context, async () => {
    const client = new CloudFormationClient(context.target.clientConfig(region))
    return describeStack(client, stateStackName(region))
  })
  if (stack === undefined || !isUsable(stack)) return undefined
  const { outputs } = stack
  return {
    region,
    database: required(outputs, 'Database', stack.name),
    workGroups: workGroupsIn(outputs),
    outputs,
  }
}

/** `QueryWorkGroupAnalysts` → analysts. */
function workGroupsIn(outputs: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const groups = Object.entries(outputs).flatMap(([key, value]): [string, string][] => {
    const [, purpose] = /^QueryWorkGroup([A-Z]\w*)$/.exec(key) ?? []
    return purpose === undefined ? [] : [[purpose.toLowerCase(), value]]
  })
  return new Map(groups)
}

/** The work group of a purpose, or one line naming the purposes there are. */
export function workGroupOf({ workGroups, region }: DeployedCell, purpose: string): string {
  const found = workGroups.get(purpose)
  if (found !== undefined) return found
  if (workGroups.size === 0) {
    throw new CommandError(
      'cell.outdated',
      `the cell in ${region} has no work groups: it was deployed by another version; run \`npm run weir -- up\``,
    )
  }
  throw new CommandError(
    'query.purpose',
    `nobody may query for "${purpose}" in ${region}: purposes are ${[...workGroups.keys()].join(', ')}`,
    { exitCode: 2 },
  )
}

/** Whether this can be an AWS region. */
export function isRegion(text: string): boolean {
  return /^[a-z]{2,3}(-[a-z]+)+-[1-9]$/.test(text)
}

/** Every deployed cell, in region order. */
export async function deployedCells(context: CommandContext): Promise<readonly DeployedCell[]> {
  const found = await Promise.all(REGIONS.map((region) => findCell(context, region)))
  return found.filter((cell) => cell !== undefined)
}

/** Where a product lives in a region. Fails with one line if it is not deployed there. */
export async function productIn(
  context: CommandContext,
  region: string,
  product: string,
): Promise<DeployedProduct> {
  const cell = await cellIn(context, region)
  const stack = await describeStack(
    new CloudFormationClient(context.target.clientConfig(region)),
    productStackName(region, product),
  )
  if (stack === undefined || !isUsable(stack)) {
    throw new CommandError(
      'product.notDeployed',
      `product "${product}" is not deployed in ${region}${stack ? ` (${stack.name}: ${stack.status})` : ''}: run \`npm run weir -- up --regions ${region}\``,
    )
  }
  const state = (suffix: string) =>
    required(cell.outputs, `${productId(product)}${suffix}`, stateStackName(region))
  const own = (key: string) => required(stack.outputs, key, stack.name)
  const decide = stack.outputs.DecideFunction
  return {
    cell,
    product,
    streamName: state('StreamName'),
    bucket: state('Bucket'),
    journalTable: state('JournalTable'),
    slotsTable: state('SlotsTable'),
    featuresTable: state('FeaturesTable'),
    ...(stack.outputs.BackfillStateMachine === undefined
      ? {}
      : { backfillMachine: stack.outputs.BackfillStateMachine }),
    functions: {
      archiveEvents: own('ArchiveEventsFunction'),
      commitSnapshots: own('CommitSnapshotsFunction'),
      updateWindows: own('UpdateWindowsFunction'),
      finalizeWindows: own('FinalizeWindowsFunction'),
      getFeatures: own('GetFeaturesFunction'),
      ...(decide === undefined ? {} : { decide }),
      maintainTable: own('MaintainTableFunction'),
      publishFeatures: own('PublishFeaturesFunction'),
    },
  }
}

/** Runs the first call to the cloud: if no cloud answers, says what to do. */
export async function reaching<T>(context: CommandContext, call: () => Promise<T>): Promise<T> {
  const { kind, endpoint = 'AWS' } = context.target
  try {
    return await call()
  } catch (cause) {
    if (isConnectionRefused(cause)) {
      if (kind === 'local') throw notRunning(context, cause)
      throw new CommandError('target.unreachable', `nothing answers at ${endpoint}`, { cause })
    }
    if (cause instanceof Error && cause.message.includes('Deserialization error')) {
      const message = `what answers at ${endpoint} is no cloud: set WEIR_PORT to another port`
      throw new CommandError('target.unreachable', message, { cause })
    }
    throw cause
  }
}

/** The failure of everything that needs the local cloud. */
export function notRunning({ target }: CommandContext, cause?: unknown, document?: unknown) {
  const command = `${target.port === 4566 ? '' : `WEIR_PORT=${target.port} `}npm run weir -- up`
  return new CommandError(
    'local.notRunning',
    `the local cloud is not running on port ${target.port}: run \`${command}\``,
    { cause, document },
  )
}

const topology = defineTopology()

export function stateStackName(region: string): string {
  return stackName(topology, cellOf(region), 'state')
}

export function productStackName(region: string, product: string): string {
  return stackName(topology, cellOf(region), product)
}

/** What the names of all stacks of a region's cell start with. */
export function cellPrefix(region: string): string {
  return stackName(topology, cellOf(region), '')
}

/** The stacks that a cell with these products has. */
export function ownStacks(region: string, products: readonly string[]): readonly string[] {
  return ['state', 'ops', ...products].map((part) => stackName(topology, cellOf(region), part))
}

function required(outputs: Readonly<Record<string, string>>, key: string, stack: string): string {
  const value = outputs[key]
  if (value !== undefined) return value
  throw new CommandError(
    'cell.outdated',
    `stack ${stack} has no output "${key}": it was deployed by another version; run \`npm run weir -- up\``,
  )
}
