import type { Command } from 'commander'
import pc from 'picocolors'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import { defineTopology } from '#lib/topology/topology.ts'
import { localCloudStatus, startLocalCloud } from '#local/local-cloud.ts'
import { listOf } from './arguments.ts'
import { isRegion, productIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import {
  bootstrap,
  type Deployment,
  deployAssembly,
  deployingAlone,
  isDeployed,
  leftoverStacks,
  recordDeployment,
  sourceFingerprint,
  synthesize,
} from './deploy.ts'
import { CommandError } from './failure.ts'
import { invokeFunction } from './invoke.ts'
import type { Register } from './program.ts'

export interface UpOptions {
  /** @default the topology's */
  readonly regions?: readonly string[]
  /** Whether the local cloud enforces IAM. @default as it runs, or not */
  readonly auth?: boolean
}

export interface UpResult {
  readonly endpoint: string | null
  readonly startedNow: boolean
  readonly cells: readonly { readonly region: string; readonly deployed: 'now' | 'unchanged' }[]
  /** Stacks of products that the project does not have any more. */
  readonly leftovers: readonly string[]
  readonly seconds: number
}

/** Starts the local cloud and deploys the cells. Harmless to repeat: what is there and unchanged is left alone. */
export function up(context: CommandContext, options: UpOptions = {}): Promise<UpResult> {
  return deployingAlone(context, 'up', () => upAlone(context, options))
}

async function upAlone(context: CommandContext, options: UpOptions): Promise<UpResult> {
  const { target } = context
  const started = performance.now()
  const regions = checkedRegions(options.regions)
  const products = (await loadProducts(context.root)).map((product) => product.name)
  const deployment: Deployment = { regions, products }
  const fingerprint = sourceFingerprint(context.root)

  const place = { port: target.port, stateDir: context.stateDir }
  const running = target.kind === 'local' ? await localCloudStatus(place) : undefined
  const isFresh = running?.running === false
  // AWS is always asked: somebody may have changed a stack by hand.
  const mayBeUnchanged = !isFresh && target.kind !== 'aws'
  const unchanged = mayBeUnchanged && (await isDeployed(context, deployment, fingerprint))

  let startedNow = false
  await allOrNone(context, [
    // Synthesis needs a processor, starting and bootstrapping mostly wait: side by side.
    async (side) => unchanged || synthesize(side, deployment),
    async (side) => {
      if (running !== undefined) {
        const auth = options.auth ?? running.auth ?? false
        const onProgress = (line: string) => context.terminal.remark(line)
        startedNow = (await startLocalCloud({ ...place, auth, onProgress })).startedNow
      }
      if (!unchanged) await bootstrap(side, regions)
    },
  ])
  // Said before: CloudFormation may refuse to take away what such a stack still uses.
  const leftovers = await leftoverStacks(context, deployment)
  for (const stack of leftovers) context.terminal.problem(leftoverLine(stack))
  if (!unchanged) await deployAssembly(context, deployment)
  await createTables(context, deployment)
  recordDeployment(context, deployment, fingerprint)
  return {
    endpoint: target.endpoint ?? null,
    startedNow,
    cells: regions.map((region) => ({ region, deployed: unchanged ? 'unchanged' : 'now' })),
    leftovers,
    seconds: Math.round((performance.now() - started) / 100) / 10,
  }
}

function leftoverLine(stack: string): string {
  return `weir: stack ${stack} is of a product that this project does not have any more, and still runs: docs/runbook.md, "Remove a data product", says how to remove it`
}

/** Runs work side by side; the first failure ends the rest, so that nothing goes on behind the message. */
async function allOrNone(
  context: CommandContext,
  works: readonly ((context: CommandContext) => Promise<unknown>)[],
): Promise<void> {
  const stop = new AbortController()
  const side = { ...context, signal: AbortSignal.any([context.signal, stop.signal]) }
  const running = works.map((work) => work(side))
  try {
    await Promise.all(running)
  } catch (error) {
    stop.abort()
    await Promise.allSettled(running)
    throw error
  }
}

/** A table exists once its committer ran: so that the first query of an empty lake answers no rows, not an error. */
async function createTables(context: CommandContext, deployment: Deployment): Promise<void> {
  await Promise.all(
    deployment.regions.flatMap((region) =>
      deployment.products.map(async (name) => {
        const product = await productIn(context, region, name)
        await invokeFunction(context, region, product.functions.commitSnapshots, {})
      }),
    ),
  )
}

function checkedRegions(regions?: readonly string[]): readonly string[] {
  if (regions === undefined) return defineTopology().cells.map((cell) => cell.region)
  for (const region of regions) {
    if (isRegion(region)) continue
    throw new CommandError(
      'regions.invalid',
      `--regions: "${region}" is no AWS region: write one such as eu-west-1`,
      { exitCode: 2 },
    )
  }
  return [...new Set(regions)]
}

export const registerUp: Register = (program, run) => {
  program
    .command('up')
    .summary('start the local cloud and deploy the cells')
    .description(
      'Starts the local cloud, if it is the target, and deploys a cell to each region. What runs already and is unchanged is left alone.',
    )
    .option(
      '--regions <list>',
      'regions, separated by commas (default: us-east-1,eu-west-1)',
      listOf,
    )
    .option('--auth', 'let the local cloud enforce IAM')
    .addHelpText(
      'after',
      '\nExamples:\n  npm run weir -- up\n  npm run weir -- up --regions us-east-1\n  npm run weir -- up --cloud aws --regions eu-west-1',
    )
    .action((options: UpOptions, command: Command) =>
      run(command, async (context) => {
        const result = await up(context, options)
        const { terminal } = context
        terminal.document(result)
        if (result.endpoint) {
          const how = result.startedNow ? 'started' : 'running'
          terminal.line(`cloud      ${result.endpoint} (${how})`)
        }
        for (const cell of result.cells) {
          const how = cell.deployed === 'now' ? 'deployed' : 'unchanged'
          terminal.line(`cell       ${cell.region} (${how})`)
        }
        terminal.line(pc.dim(`${result.seconds} s`))
      }),
    )
}
