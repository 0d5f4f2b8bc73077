import type { Command } from 'commander'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { tableNameOf } from '#lib/domain/contract/table-columns.ts'
import { viewSql } from '#lib/domain/features/sql/view-sql.ts'
import { contractOfView } from '#lib/domain/process/view.ts'
import { instantMs } from './arguments.ts'
import type { CommandContext } from './context.ts'
import { productOfView } from './feature-arguments.ts'
import type { Run } from './program.ts'

export interface FeatureSql {
  readonly view: string
  readonly product: string
  readonly sql: string
}

export interface FeatureSqlOptions {
  /** Milliseconds since the epoch. */
  readonly from?: number
  readonly to?: number
}

/** The definition of a view as a statement for Athena. */
export async function featureSql(
  { root }: Pick<CommandContext, 'root'>,
  viewName: string,
  { from, to }: FeatureSqlOptions,
): Promise<FeatureSql> {
  const product = await productOfView(root, viewName)
  const view = product.views.find(({ name }) => name === viewName)!
  const contract = contractOfView(view, versionsOf(product.sources.map((one) => one.contract)))
  const sql = viewSql(view, contract, {
    table: `"${tableNameOf(contract)}"`,
    ...(from === undefined ? {} : { from: from * 1000 }),
    ...(to === undefined ? {} : { to: to * 1000 }),
  })
  return { view: viewName, product: product.name, sql }
}

export function registerFeatureSql(features: Command, run: Run): void {
  features
    .command('sql')
    .summary('the definition of a view as SQL')
    .description(
      'Prints a view as one statement in Athena’s SQL over the curated table: the batch view, with what came too late for the stream.',
    )
    .argument('<view>', 'the feature view, such as zone-fares')
    .option(
      '--from <time>',
      'only events from this time on, UTC unless it says otherwise',
      instantMs,
    )
    .option('--to <time>', 'only events before this time', instantMs)
    .addHelpText(
      'after',
      [
        '',
        'Windows that reach over a bound lack what lies beyond it.',
        '',
        'Examples:',
        '  npm run -s weir -- features sql zone-fares',
        '  npm run -s weir -- features sql zone-fares --from 2019-01-15 --to 2019-01-16',
        '',
        'With --json: {view, product, sql}.',
      ].join('\n'),
    )
    .action((view: string, options: FeatureSqlOptions, command: Command) =>
      run(command, async (context) => {
        const answer = await featureSql(context, view, options)
        context.terminal.document(answer)
        context.terminal.line(answer.sql)
      }),
    )
}
