import type { Command } from 'commander'
import type { QueryResult } from '#lib/adapters/athena/athena-query.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { cellIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import type { Register } from './program.ts'
import { requireReading } from './read-only-sql.ts'
import { athenaOf } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'

/** Runs SQL that only reads in a cell's Athena. A failed query fails with Athena's reason. */
export async function query(
  context: CommandContext,
  sql: string,
  region: string,
): Promise<QueryResult> {
  if (sql.trim() === '') {
    throw new CommandError('query.empty', 'the query is empty', { exitCode: 2 })
  }
  requireReading(sql)
  const cell = await cellIn(context, region)
  try {
    return await athenaOf(context, cell).run(sql)
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
      'Runs SQL that reads (Trino’s dialect) in a region’s Athena. Tables: <product>, <product>_raw, <product>_quarantine.',
    )
    .argument('<sql>', 'one statement: select, with, values, show, describe or explain')
    .requiredOption('--region <region>', 'the cell to ask')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- query "select count(*), sum(total_amount) from trips" --region us-east-1',
        '  npm run weir -- query "select reason, count(*) from trips_quarantine group by 1" --region eu-west-1',
        '',
        'With --json: {columns, types, rows, scannedBytes}. Each row is an array in the order of the columns: integers',
        'and floating-point numbers are JSON numbers (an integer beyond 2^53 is text), decimals are exact text, dates',
        'and times ISO 8601 text.',
      ].join('\n'),
    )
    .action((sql: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const result = await query(context, sql, options.region)
        const { terminal } = context
        terminal.document(result)
        if (terminal.json) return
        const numeric = result.types.flatMap((type, i) =>
          /int|decimal|double|float|real/.test(type) ? [i] : [],
        )
        const rows = result.rows.map((row) => row.map((cell) => String(cell ?? '')))
        terminal.line(table(result.columns, rows, { right: numeric }))
        terminal.line(
          `${counted(result.rows.length, 'row')}, ${grouped(result.scannedBytes)} bytes scanned`,
        )
      }),
    )
}
