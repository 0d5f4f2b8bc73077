import type { Command } from 'commander'
import type { QueryResult } from '#lib/adapters/athena/athena-query.ts'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { snapshotOrTime } from './arguments.ts'
import { cellIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { withLiveTables } from './live-tables.ts'
import type { Register } from './program.ts'
import { requireReading } from './read-only-sql.ts'
import { athenaOf } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'
import { asOf, type TableVersion, tablesOfCell } from './time-travel.ts'
import { productsOpenedFor, unsealed } from './unseal-result.ts'

export interface QueryOptions {
  readonly region: string
  /** Whose limits hold, or what personal fields are opened for, within the limits of analysts. @default analysts */
  readonly purpose?: string
  /** The tables as they were at a time, or at one snapshot of the one table. @default as they are */
  readonly at?: bigint | { readonly atMs: number }
}

export interface QueryAnswer extends QueryResult {
  /** The versions that were read, where one was asked for. */
  readonly versions?: readonly TableVersion[]
}

const DEFAULT_PURPOSE = 'analysts'

/** Runs SQL that only reads in a cell's Athena. A failed query fails with Athena's reason. */
export async function query(
  context: CommandContext,
  sql: string,
  { region, purpose = DEFAULT_PURPOSE, at }: QueryOptions,
): Promise<QueryAnswer> {
  if (sql.trim() === '') {
    throw new CommandError('query.empty', 'the query is empty', { exitCode: 2 })
  }
  requireReading(sql)
  const cell = await cellIn(context, region)
  const opened = cell.workGroups.has(purpose)
    ? []
    : productsOpenedFor(await loadProducts(context.root), purpose)
  const athena = athenaOf(context, cell, opened.length === 0 ? purpose : DEFAULT_PURPOSE)
  const run = async (statement: string) => {
    const result = await athena.run(statement)
    if (opened.length === 0) return result
    return unsealed(context, result, { products: opened, purpose, region })
  }
  try {
    const live = await withLiveTables(context, sql, region)
    if (at === undefined) return await run(live)
    const then = await asOf(live, at, cell.database, tablesOfCell(context, cell))
    return { ...(await run(then.sql)), versions: then.versions }
  } catch (error) {
    if (!hasCode(error, 'athena.queryFailed')) throw error
    const reason = (error as Error).message.replace(/\s*\n\s*/g, ' ')
    throw new CommandError('query.failed', `the query failed: ${reason}`, { cause: error })
  }
}

export const registerQuery: Register = (program, run) => {
  program
    .command('query')
    .summary('ask Athena')
    .description(
      'Runs SQL that reads (Trino’s dialect) in a region’s Athena. Tables: <product>, <product>_raw, <product>_quarantine; views: <product>_current, <product>_daily, <product>_rejections; {<view>} stands for a view’s feature table, of the generation that is live.',
    )
    .argument('<sql>', 'one statement: select, with, values, show, describe or explain')
    .requiredOption('--region <region>', 'the cell to ask')
    .option(
      '--at <time|snapshot>',
      'read each table as it was at a time, or the one table at its snapshot',
      snapshotOrTime,
    )
    .option(
      '--purpose <name>',
      'whose work group, so whose limit of bytes: analysts or operations; or what personal fields are opened for, as their contract allows: select ingest_shard, ingest_sequence, ingest_index and the subject then',
      DEFAULT_PURPOSE,
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- query "select count(*), sum(total_amount) from trips" --region us-east-1',
        '  npm run weir -- query "select reason, count(*) from trips_quarantine group by 1" --region eu-west-1',
        '  npm run weir -- query "select count(*) from trips" --region us-east-1 --at 2026-01-31T18:00:00Z',
        '  npm run weir -- query "select ingest_shard, ingest_sequence, ingest_index, rider_id, rider_email from trips limit 5" --region us-east-1 --purpose support',
        '',
        'With --json: {columns, types, rows, scannedBytes}, with --at also versions: [{table, snapshot, committedAt}].',
        'Each row is an array in the order of the columns: integers and floating-point numbers are JSON numbers (an',
        'integer beyond 2^53 is text), decimals are exact text, dates and times ISO 8601 text.',
      ].join('\n'),
    )
    .action((sql: string, options: QueryOptions, command: Command) =>
      run(command, async (context) => {
        const result = await query(context, sql, options)
        const { terminal } = context
        terminal.document(result)
        if (terminal.json) return
        const numeric = result.types.flatMap((type, i) =>
          /int|decimal|double|float|real/.test(type) ? [i] : [],
        )
        const rows = result.rows.map((row) => row.map((cell) => String(cell ?? '')))
        terminal.line(table(result.columns, rows, { right: numeric }))
        for (const { table: name, snapshot, committedAt } of result.versions ?? []) {
          terminal.line(`${name} as of snapshot ${snapshot}, committed ${committedAt}`)
        }
        terminal.line(
          `${counted(result.rows.length, 'row')}, ${grouped(result.scannedBytes)} bytes scanned`,
        )
      }),
    )
}
