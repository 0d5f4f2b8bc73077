import type { Command } from 'commander'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { batchViewOf } from '#lib/domain/features/batch/batch-states.ts'
import { gatherReadiness } from '#lib/domain/features/publish/gather-readiness.ts'
import { assessReadiness } from '#lib/domain/features/publish/readiness.ts'
import { readHistory } from '#lib/domain/features/training/feature-history.ts'
import { reportSkew, type SkewReport } from '#lib/domain/features/training/skew.ts'
import {
  buildTrainingSet,
  type TrainingSetReport,
} from '#lib/domain/features/training/training-set.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import { ALWAYS } from '#lib/domain/lake/predicate/predicate.ts'
import { loadTable, requireTable } from '#lib/domain/lake/table.ts'
import { featureTableLocation, featureTableName } from '#lib/domain/process/feature-table.ts'
import { closedOf } from '#lib/domain/process/finalize-windows.ts'
import { contractOfView, stateNameOf, type ViewDefinition } from '#lib/domain/process/view.ts'
import { MIN_TIME } from '#lib/domain/process/window.ts'
import { instantMs } from './arguments.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { productOfView } from './feature-arguments.ts'
import { featureStores, userName } from './features-publish.ts'
import { type GenerationStores, generationStores } from './generation-stores.ts'
import type { Run } from './program.ts'
import { counted, grouped, table } from './terminal.ts'

interface TrainingSetOptions {
  readonly region: string
  readonly view: readonly string[]
  readonly labels: string
  readonly key: string
  readonly time: string
  readonly label: readonly string[]
  readonly where?: string
  readonly from: number
  readonly to: number
  readonly override?: string
}

/** Joins labels with features as they were known, if the data up to the last label is ready. */
export async function trainingSet(
  context: CommandContext,
  name: string,
  options: TrainingSetOptions,
): Promise<TrainingSetReport> {
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(name)) {
    throw new CommandError(
      'features.name',
      `"${name}" names no table: use a name like "fares_may"`,
      {
        exitCode: 2,
      },
    )
  }
  const product = await productOfView(context.root, options.view[0]!)
  const views = options.view.map((wanted) => viewIn(product.views, wanted, product.name))
  const other = views.find(({ key }) => key !== views[0]!.key)
  if (other !== undefined) {
    throw new CommandError(
      'features.keys',
      `${other.name} is of ${other.key}, ${views[0]!.name} of ${views[0]!.key}: labels have one key; make a training set for each`,
      { exitCode: 2 },
    )
  }
  const stores = await generationStores(context, options.region, product.name)
  const { lake, layout, contracts } = stores
  const database = stores.deployed.cell.database
  const range = { from: options.from * 1000, to: options.to * 1000 }
  for (const view of views) await requireReady(context, stores, view, range.to, name, options)
  const contract = contractOfView(views[0]!, contracts)
  const { table: labels } = await requireTable(lake, { database, name: options.labels })
  const history = await Promise.all(
    views.map(async (view) => {
      const ofView = featureTableName(product.name, view)
      const { table: features } = await requireTable(lake, { database, name: ofView })
      // Older windows too: the last known one may be long ago.
      const all = { from: MIN_TIME, to: range.to }
      return readHistory(lake.objects, features, view, contractOfView(view, contracts), all)
    }),
  )
  const tableName = { database, name: `${product.name}_training_${name}`.replaceAll('-', '_') }
  const inRange = parsePredicate(
    `${options.time} >= '${iso(options.from)}' and ${options.time} < '${iso(options.to)}'`,
    labels.schema,
  )
  const where = options.where === undefined ? ALWAYS : parsePredicate(options.where, labels.schema)
  return buildTrainingSet(lake, {
    name: tableName,
    location: featureTableLocation(layout, tableName),
    labels: {
      ...{ table: labels, key: options.key, time: options.time, columns: options.label },
      where: { kind: 'and', of: [inRange, where] },
    },
    history,
    contract,
  })
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}

function viewIn(views: readonly ViewDefinition[], name: string, product: string): ViewDefinition {
  const view = views.find((one) => one.name === name)
  if (view !== undefined) return view
  const known = views.map((one) => one.name).join(', ')
  throw new CommandError('view.unknown', `${product} has no view "${name}": it has ${known}`)
}

/** What is built is on record, and so is why somebody built it though the data was not ready. */
async function requireReady(
  context: CommandContext,
  { journal, stream, lake, contracts, deployed }: GenerationStores,
  view: ViewDefinition,
  cut: number,
  name: string,
  { region, override }: TrainingSetOptions,
): Promise<void> {
  const contract = contractOfView(view, contracts)
  const curated = { database: deployed.cell.database, name: tableNameOf(contract) }
  const { table: rows } = await requireTable(lake, curated)
  const evidence = await gatherReadiness({ journal, stream }, contract, rows, cut)
  const atMs = lake.clock.nowMs()
  const { state, checks } = assessReadiness(evidence, atMs)
  const { audit } = await featureStores(context, region, contract.product)
  const record = {
    view: stateNameOf(view),
    run: `training set ${name}`,
    atMs,
    by: userName(),
    checks,
  }
  if (state === 'ready') return audit.record({ kind: 'readiness', ...record })
  if (override !== undefined) return audit.record({ kind: 'override', ...record, reason: override })
  await audit.record({ kind: 'readiness', ...record })
  const failed = checks.filter(({ ok }) => !ok).map((one) => `${one.name}: ${one.detail}`)
  throw new CommandError(
    'features.notReady',
    `${view.name}: ${failed.join('; ')}. If it has to be: --override "<why>"`,
  )
}

export function registerTraining(features: Command, run: Run): void {
  features
    .command('training-set')
    .summary('join labels with what was known of features at their time')
    .description(
      'Writes an Iceberg table with a row for each label: its columns, and of each view the newest window that was known at the label’s time, that is final by then: its end, the allowed lateness, the bound on disorder and a minute’s sweep later.',
    )
    .argument('<name>', 'the table is <product>_training_<name>')
    .requiredOption('--region <region>', 'the cell')
    .requiredOption('--view <name...>', 'feature views of one key')
    .requiredOption('--labels <table>', 'an Iceberg table of the cell')
    .requiredOption('--key <column>', 'its column with the views’ key')
    .requiredOption('--time <column>', 'its column that says as of when')
    .requiredOption('--label <column...>', 'its columns that are taken along')
    .requiredOption('--from <time>', 'labels from this time on', instantMs)
    .requiredOption('--to <time>', 'labels before this time', instantMs)
    .option('--where <condition>', 'only these labels')
    .option('--override <why>', 'build it though the data is not ready; the reason is kept')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- features training-set fares --region us-east-1 --view zone-fares --labels trips \\',
        '    --key pickup_location_id --time pickup_datetime --label fare_amount --from 2019-01-01 --to 2019-02-01',
        '',
        'With --json: {table, rows, unknown: {<view>: <labels without a value>}}.',
      ].join('\n'),
    )
    .action((name: string, options: TrainingSetOptions, command: Command) =>
      run(command, async (context) => {
        const report = await trainingSet(context, name, options)
        context.terminal.document(report)
        const unknown = Object.entries(report.unknown).map(
          ([view, rows]) => `; ${grouped(rows)} without a value of ${view}`,
        )
        context.terminal.line(`${report.table}: ${counted(report.rows, 'row')}${unknown.join('')}`)
      }),
    )
  registerSkew(features, run)
}

function registerSkew(features: Command, run: Run): void {
  features
    .command('skew')
    .summary('what was served beside what the batch says, feature by feature')
    .description(
      'Holds the final rows of a view, which are what readers got once a window was over, against the batch over the curated table: what differs came too late for the stream, or was changed since.',
    )
    .argument('<view>', 'the feature view, such as zone-fares')
    .requiredOption('--region <region>', 'the cell')
    .requiredOption('--from <time>', 'windows that start from this time on', instantMs)
    .requiredOption('--to <time>', 'windows that start before this time', instantMs)
    .addHelpText(
      'after',
      '\nWith --json: {view, from, to, onlyServed, onlyBatch, features: [{feature, compared, equal, …}]}.',
    )
    .action(
      (view: string, options: { region: string; from: number; to: number }, command: Command) =>
        run(command, async (context) => {
          const report = await skewOf(context, view, options)
          context.terminal.document(report)
          context.terminal.line(skewText(report))
        }),
    )
}

async function skewOf(
  context: CommandContext,
  viewName: string,
  { region, from, to }: { readonly region: string; readonly from: number; readonly to: number },
): Promise<SkewReport> {
  const product = await productOfView(context.root, viewName)
  const { lake, contracts, deployed } = await generationStores(context, region, product.name)
  const view = batchViewOf(viewIn(product.views, viewName, product.name), contracts)
  const database = deployed.cell.database
  const name = { database, name: featureTableName(product.name, view.view) }
  const { table: curated } = await requireTable(lake, {
    database,
    name: tableNameOf(view.contract),
  })
  const features = await loadTable(lake, name)
  if (features === undefined) {
    throw new CommandError(
      'features.noTable',
      `${viewName} has no final rows: there is nothing to compare`,
    )
  }
  const range = { from: from * 1000, to: to * 1000 }
  return reportSkew(lake.objects, view, { curated, features, closed: closedOf(features) }, range)
}

function skewText({ onlyServed, onlyBatch, features }: SkewReport): string {
  const number = (value: number | null) => (value === null ? '' : value.toPrecision(4))
  const rows = features.map((one) => [
    one.feature,
    grouped(one.compared),
    grouped(one.equal),
    number(one.greatestDifference),
    number(one.meanRelativeDifference),
  ])
  return [
    table(['feature', 'windows', 'equal', 'greatest difference', 'mean, relative'], rows, {
      right: [1, 2, 3, 4],
    }),
    `${counted(onlyServed, 'window')} only served, ${grouped(onlyBatch)} only in the batch`,
  ].join('\n')
}
