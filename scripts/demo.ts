import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { CommandContext } from '../bin/commands/context.ts'
import { down } from '../bin/commands/down.ts'
import { CommandError } from '../bin/commands/failure.ts'
import { featuresTable } from '../bin/commands/features.ts'
import { type Register, runProgram } from '../bin/commands/program.ts'
import { reconciliationTable } from '../bin/commands/reconcile.ts'
import { grouped, table } from '../bin/commands/terminal.ts'
import { up } from '../bin/commands/up.ts'
import { boroughDays, boroughsByHourSql, sparkline } from './demo/boroughs.ts'
import { type CellRun, PRODUCT, runCell } from './demo/cell-run.ts'
import { busiestWindow, type FeatureAnswer } from './demo/feature.ts'

const MONTHS = [
  { region: 'us-east-1', file: 'yellow_tripdata_2019-01_sample.csv', name: 'January 2019' },
  { region: 'eu-west-1', file: 'yellow_tripdata_2019-02_sample.csv', name: 'February 2019' },
] as const

/** The whole platform once, from nothing to answers: with the functions that the commands are made of. */
async function demo(context: CommandContext): Promise<void> {
  const { terminal } = context
  const started = performance.now()
  const data = join(context.root, 'products', PRODUCT, 'data')
  const title = (text: string) => terminal.line(`\n${pc.bold(text)}`)

  title('Cells')
  const { endpoint, startedNow, seconds } = await up(context, {
    regions: MONTHS.map((month) => month.region),
  })
  terminal.line(`${MONTHS.map((month) => month.region).join(' and ')} at ${endpoint}, ${seconds} s`)

  const runs = await Promise.all(
    MONTHS.map((month) => runCell(context, month.region, join(data, month.file))),
  )
  title('Sent: real taxi trips, 2 % of them twice, out of order by up to 30 s')
  terminal.line(sentTable(runs))
  title('Readable in Athena, after the event’s arrival in the stream')
  terminal.line(freshnessTable(runs))
  title('Every event accounted for, counted in each store')
  for (const run of runs) terminal.line(`${run.region}\n${reconciliationTable(run.reconciliation)}\n`)

  const first = runs[0]!
  terminal.line(pc.bold(`Athena in ${first.region}: trips by borough and hour of the day`))
  const sql = await boroughsByHourSql(join(data, 'taxi_zone_lookup.csv'))
  const answer = await first.stores.athena.run(sql)
  const days = boroughDays(answer.rows)
  terminal.line(boroughTable(days))
  const feature = await busiestWindow(context, first.stores)
  title(`A feature in ${first.region}: the busiest zone and hour`)
  if (feature !== undefined) terminal.line(featureText(feature))

  const problems = runs.flatMap((run) => run.problems)
  if (feature?.agrees !== true) problems.push(`${first.region}: feature and table disagree`)
  const total = Math.round((performance.now() - started) / 100) / 10
  const report = {
    ok: problems.length === 0,
    seconds: total,
    cells: runs.map(({ stores: _, ...run }) => run),
    boroughs: days,
    feature,
    problems,
  }
  if (problems.length > 0) {
    throw new CommandError('demo.mismatch', problems.join('\n'), { document: report })
  }
  terminal.document(report)
  if (context.once === true && startedNow) await down(context)
  else printNext(context, feature)
  terminal.line(`\n${pc.green('all counts agree')}, ${total} s`)
}

function sentTable(runs: readonly CellRun[]): string {
  const rows = runs.map(({ region, sent }, i) => [
    region,
    MONTHS[i]!.name,
    ...[sent.sent, sent.unique, sent.sent - sent.unique, sent.accepted, sent.retried].map(grouped),
  ])
  const head = ['cell', 'file', 'events', 'unique', 'resends', 'accepted', 'retried']
  return table(head, rows, { right: [2, 3, 4, 5, 6] })
}

function freshnessTable(runs: readonly CellRun[]): string {
  const inSeconds = (ms?: number) => (ms === undefined ? '' : `${(ms / 1_000).toFixed(1)} s`)
  const rows = runs.map((run) => [
    run.region,
    grouped(run.committed),
    inSeconds(run.freshness?.p50Ms),
    inSeconds(run.freshness?.p95Ms),
  ])
  return table(['cell', 'rows', 'p50', 'p95'], rows, { right: [1, 2, 3] })
}

function boroughTable(days: ReturnType<typeof boroughDays>): string {
  const rows = days.map((day) => [
    day.borough,
    sparkline(day.byHour),
    grouped(day.trips),
    `${String(day.byHour.indexOf(Math.max(...day.byHour))).padStart(2, '0')}:00`,
    day.revenue,
  ])
  const head = ['borough', '00    06    12    18    ', 'trips', 'busiest', 'revenue $']
  return table(head, rows, { right: [2, 3, 4] })
}

function featureText(feature: FeatureAnswer): string {
  const agrees = feature.agrees ? pc.green('the same') : pc.red('something else')
  return `${featuresTable([feature.values])}\nThe table says ${agrees} for this window.`
}

function printNext({ terminal, target }: CommandContext, feature?: FeatureAnswer): void {
  const prefix = target.kind === 'local' && target.port !== 4566 ? `WEIR_PORT=${target.port} ` : ''
  const weir = (text: string) => terminal.line(`  ${prefix}npm run -s weir -- ${text}`)
  terminal.line(`\n${pc.bold('Still running. Try:')}`)
  weir(`query "select payment_type, count(*), avg(tip_amount) from ${PRODUCT} group by 1" --region eu-west-1`)
  weir(`quarantine list ${PRODUCT} --region us-east-1`)
  if (feature !== undefined) {
    weir(`features get ${feature.values.view} ${feature.values.key} --region us-east-1 --at ${feature.at}`)
  }
  weir(`send ${PRODUCT} products/${PRODUCT}/data/${MONTHS[0].file} --region us-east-1   # again: adds nothing`)
  weir(`reconcile ${PRODUCT} --region us-east-1`)
  weir('status')
  weir('down')
}

const registerDemo: Register = (program, run) => {
  program
    .command('demo', { isDefault: true })
    .description('Starts the local cloud, deploys two cells, sends two months of real trips and shows what came of it.')
    .option('--once', 'stop the local cloud at the end, if this run started it')
    .action((options: { once?: boolean }, command: Command) =>
      run(command, (context) => demo({ ...context, once: options.once ?? false })),
    )
}

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
process.exitCode = await runProgram(process.argv.slice(2), [registerDemo], {
  root: fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, ''),
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stop.signal,
})
