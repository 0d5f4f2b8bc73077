import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Command } from 'commander'
import { DynamoDbFeatureAudit } from '#lib/adapters/dynamodb/dynamodb-feature-audit.ts'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import type { FeatureRecord } from '#lib/domain/features/publish/feature-audit.ts'
import type { Publication, ViewPublications } from '#lib/domain/features/publish/publications.ts'
import { abandonBuild, rollBackPublication } from '#lib/domain/features/publish/publish.ts'
import type { PublishRun } from '#lib/domain/features/publish/publish-run.ts'
import { isoOf } from '#lib/domain/kernel/time.ts'
import { stateNameOf } from '#lib/domain/process/view.ts'
import { instantMs } from './arguments.ts'
import { productIn } from './cells.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import { productOfView } from './feature-arguments.ts'
import { FunctionFailure, invokeFunction } from './invoke.ts'
import type { Run } from './program.ts'
import { grouped, table } from './terminal.ts'

/** Of a function's time that one call may take: an answer is waited for no longer than two minutes. */
const BUDGET_SECONDS = 45
const MOST_RECORDS = 20

export interface PublishOptions {
  readonly region: string
  /** Milliseconds since the epoch. @default the last midnight, UTC */
  readonly cut?: number
  readonly view?: readonly string[]
  readonly run?: string
  readonly override?: string
  readonly abandon?: string
}

export interface PublishedRun {
  readonly run: string
  readonly product: string
  readonly publications: Readonly<Record<string, Publication>>
}

/** Runs the function that publishes, step by step, as the state machine does. */
export async function publishFeatures(
  context: CommandContext,
  product: string,
  { region, cut, view, run = `by-hand-${randomUUID()}`, override }: PublishOptions,
): Promise<PublishedRun> {
  const deployed = await productIn(context, region, product)
  let state: Partial<PublishRun> = {
    run,
    by: userName(),
    ...(cut !== undefined && { cut: new Date(cut).toISOString() }),
    ...(view !== undefined && { views: view }),
    ...(override !== undefined && { override }),
  }
  while (state.done !== true) {
    const payload = { ...state, budgetSeconds: BUDGET_SECONDS }
    try {
      const name = deployed.functions.publishFeatures
      state = JSON.parse(await invokeFunction(context, region, name, payload)) as PublishRun
    } catch (error) {
      if (!(error instanceof FunctionFailure)) throw error
      const code = error.errorType.startsWith('features.') ? error.errorType : 'features.failed'
      throw new CommandError(code, `run ${run}: ${error.message}`, { cause: error })
    }
    context.terminal.remark(`${run}: ${state.phase}`)
    if ((state.waitSeconds ?? 0) > 0) {
      await sleep(state.waitSeconds! * 1000, undefined, { signal: context.signal })
    }
  }
  const { byView } = await publicationsOf(context, region, product)
  const live = Object.entries(byView).flatMap(([name, { live: one }]) =>
    one?.run === run ? [[name, one] as const] : [],
  )
  return { run, product, publications: Object.fromEntries(live) }
}

async function publicationsOf(context: CommandContext, region: string, product: string) {
  const { store } = await featureStores(context, region, product)
  return (await store.load())?.publications ?? { byView: {} }
}

/** The stores that a product's features are published in. */
export async function featureStores(context: CommandContext, region: string, product: string) {
  const { featuresTable: tableName } = await productIn(context, region, product)
  const table = { client: new DynamoDBClient(context.target.clientConfig(region)), tableName }
  return {
    store: new DynamoDbPublicationStore(table),
    buffers: new DynamoDbFeatureBuffers(table),
    audit: new DynamoDbFeatureAudit(table),
  }
}

/** Whom the record of something names. */
export function userName(): string {
  try {
    return userInfo().username
  } catch {
    // A container may have no name for the one who runs it.
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}

export function registerPublishing(features: Command, run: Run): void {
  registerPublish(features, run)
  registerRollback(features, run)
  registerPublications(features, run)
  registerReadiness(features, run)
}

function registerPublish(features: Command, run: Run): void {
  features
    .command('publish')
    .summary('compute a product’s features up to a cut, and let readers have them')
    .description(
      'Computes the views of a product over its table up to a cut, writes them into the buffers that nobody reads, counts them, and lets readers have all of them in one write. What the state machine does each night. Interrupted, a repeat with the same --run goes on.',
    )
    .argument('<product>', 'the data product')
    .requiredOption('--region <region>', 'the cell')
    .option(
      '--cut <time>',
      'rows of event time before this (default: the last midnight, UTC)',
      instantMs,
    )
    .option('--view <name...>', 'only these views')
    .option('--run <name>', 'go on with a run')
    .option('--override <why>', 'publish though the data is not ready; the reason is kept')
    .option('--abandon <run>', 'instead: take the buffers back from a run that is dead')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- features publish trips --region us-east-1',
        '  npm run weir -- features publish trips --region us-east-1 --cut 2019-02-01 --view zone-fares',
        '',
        'With --json: {run, product, publications: {<view>: {version, buffer, cut, keys, …}}}.',
      ].join('\n'),
    )
    .action((product: string, options: PublishOptions, command: Command) =>
      run(command, async (context) => {
        await productNamed(context, product)
        if (options.abandon !== undefined) {
          const abandoned = await abandon(context, product, options.region, options.abandon)
          context.terminal.document({ run: options.abandon, product, abandoned })
          context.terminal.line(
            `abandoned: ${abandoned.join(', ') || 'nothing was being published'}`,
          )
          return
        }
        const done = await publishFeatures(context, product, options)
        context.terminal.document(done)
        const lines = Object.entries(done.publications).map(
          ([view, one]) => `${view}: ${publicationText(one)}`,
        )
        context.terminal.line(lines.join('\n') || 'there is nothing to publish')
      }),
    )
}

async function abandon(
  context: CommandContext,
  product: string,
  region: string,
  run: string,
): Promise<readonly string[]> {
  const { store } = await featureStores(context, region, product)
  const { byView } = await publicationsOf(context, region, product)
  const views = Object.keys(byView).filter((view) => byView[view]!.building?.run === run)
  for (const view of views) await abandonBuild(store, view, run)
  return views
}

function registerRollback(features: Command, run: Run): void {
  features
    .command('rollback')
    .summary('put the publication before back')
    .description(
      'Lets readers of a view have the publication before, in one write; a second time brings back the one that was left.',
    )
    .argument('<view>', 'the feature view, such as zone-fares')
    .requiredOption('--region <region>', 'the cell')
    .requiredOption('--reason <why>', 'kept beside the publications')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- features rollback zone-fares --region us-east-1 --reason "fares were doubled"',
        '',
        'With --json: {view, live: {version, buffer, cut, keys, …}}.',
      ].join('\n'),
    )
    .action((viewName: string, options: { region: string; reason: string }, command: Command) =>
      run(command, async (context) => {
        const { product, view, stores } = await storesOfView(context, viewName, options.region)
        const live = await rollBackPublication(stores, view)
        const { reason } = options
        const detail = `back to version ${live.version} up to ${isoOf(live.cut)}`
        const at = { run: live.run, atMs: Date.now(), by: userName() }
        await stores.audit.record({ kind: 'rolledBack', view, ...at, reason, detail })
        context.terminal.document({ product, view, live })
        context.terminal.line(`${view}: ${publicationText(live)}`)
      }),
    )
}

async function storesOfView(context: CommandContext, viewName: string, region: string) {
  const product = await productOfView(context.root, viewName)
  const view = stateNameOf(product.views.find(({ name }) => name === viewName)!)
  const stores = await featureStores(context, region, product.name)
  return { product: product.name, view, stores }
}

function registerPublications(features: Command, run: Run): void {
  features
    .command('publications')
    .summary('what readers of a product’s views get')
    .description(
      'Shows the publication of each view that is live, the one before, and who publishes.',
    )
    .argument('<product>', 'the data product')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText('after', '\nWith --json: {product, views: {<view>: {live, previous, building}}}.')
    .action((product: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        await productNamed(context, product)
        const { byView } = await publicationsOf(context, options.region, product)
        context.terminal.document({ product, views: byView })
        context.terminal.line(publicationsTable(byView))
      }),
    )
}

function publicationsTable(byView: Readonly<Record<string, ViewPublications>>): string {
  const rows = Object.entries(byView).flatMap(([view, { live, previous, building }]) => [
    ...(live === undefined ? [] : [rowOf(view, 'live', live)]),
    ...(previous === undefined ? [] : [rowOf(view, 'before', previous)]),
    ...(building === undefined
      ? []
      : [[view, 'begun', String(building.version), '', '', building.run, building.by]]),
  ])
  if (rows.length === 0) return 'nothing has been published'
  return table(['view', 'state', 'version', 'cut', 'keys', 'run', 'by'], rows, { right: [2, 4] })
}

function rowOf(view: string, state: string, one: Publication): string[] {
  return [view, state, String(one.version), isoOf(one.cut), grouped(one.keys), one.run, one.by]
}

function publicationText({ version, buffer, cut, keys }: Publication): string {
  return `version ${version} in buffer ${buffer}, ${grouped(keys)} keys up to ${isoOf(cut)}`
}

function registerReadiness(features: Command, run: Run): void {
  features
    .command('readiness')
    .summary('whether data was ready, who overrode that, and what was published')
    .description(
      'Shows what was looked at before features of a view were published, refused or overridden, newest first.',
    )
    .argument('<view>', 'the feature view, such as zone-fares')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      '\nWith --json: {view, records: [{kind, run, atMs, by, reason, checks}]}.',
    )
    .action((viewName: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const { view, stores } = await storesOfView(context, viewName, options.region)
        const records = await stores.audit.list(view, MOST_RECORDS)
        context.terminal.document({ view, records })
        context.terminal.line(records.map(recordText).join('\n') || 'nothing has been published')
      }),
    )
}

function recordText({ kind, run, atMs, by, reason, checks, detail }: FeatureRecord): string {
  const head = `${isoOf(atMs * 1000)} ${kind} by ${by}, run ${run}`
  const why = reason === undefined ? '' : `: ${reason}`
  const lines = (checks ?? []).map((one) => `  ${one.ok ? 'ok' : 'NOT'} ${one.name}: ${one.detail}`)
  return [`${head}${why}`, ...(detail === undefined ? [] : [`  ${detail}`]), ...lines].join('\n')
}
