import { join } from 'node:path'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { CommandContext } from '../bin/commands/context.ts'
import { decisionText } from '../bin/commands/decide.ts'
import { down } from '../bin/commands/down.ts'
import { CommandError } from '../bin/commands/failure.ts'
import { featuresTable } from '../bin/commands/features.ts'
import { runAsProcess } from '../bin/commands/main.ts'
import type { Register } from '../bin/commands/program.ts'
import { reconcileProduct, reconciliationTable } from '../bin/commands/reconcile.ts'
import type { SendResult } from '../bin/commands/send.ts'
import { productStores } from '../bin/commands/stores.ts'
import { grouped, table } from '../bin/commands/terminal.ts'
import { up } from '../bin/commands/up.ts'
import { waitForEvents } from '../bin/commands/wait.ts'
import { boroughDays, boroughsByHourSql, sparkline } from './demo/boroughs.ts'
import {
  type DemoCell,
  disagreements,
  openCell,
  PRODUCT,
  type ReadableMonth,
  readMonth,
  sendMonth,
  sendZones,
} from './demo/cell-run.ts'
import { etaAnswer, etaError, paymentAnswer, surgeAnswer } from './demo/decisions.ts'
import { busiestWindow, type FeatureAnswer } from './demo/feature.ts'
import { windowsCaughtUp } from './demo/windows-caught-up.ts'

const MONTHS = [
  { region: 'us-east-1', file: 'yellow_tripdata_2019-01_sample.csv', month: 'January 2019' },
  { region: 'eu-west-1', file: 'yellow_tripdata_2019-02_sample.csv', month: 'February 2019' },
] as const

/** The whole platform once, from nothing to answers: with the functions that the commands are made of. */
async function demo(context: CommandContext, once: boolean): Promise<void> {
  const { terminal, root } = context
  const started = performance.now()
  const data = join(root, 'products', PRODUCT, 'data')
  const title = (text: string) => terminal.line(`${pc.bold(text)}`)

  title('Two cells')
  const regions = MONTHS.map((one) => one.region)
  const { endpoint, startedNow, seconds } = await up(context, { regions })
  terminal.line(`${regions.join(' and ')} at ${endpoint}, ready in ${seconds} s\n`)

  title('Real taxi trips, 2 % of them sent twice, out of order by up to 30 s')
  const cells = await Promise.all(
    MONTHS.map((one) => openCell(context, { ...one, file: join(data, one.file) })),
  )
  const [sent] = await Promise.all([
    Promise.all(cells.map((cell) => sendMonth(context, cell))),
    sendZones(context, cells[0]!),
  ])
  terminal.line(`${sentTable(cells, sent)}\n`)

  title('Readable in Athena: from an event’s arrival to the snapshot that holds it')
  const readable = await Promise.all(cells.map((cell) => readMonth(context, cell)))
  terminal.line(`${readableTable(cells, readable)}\n`)

  title('Every event accounted for, counted in each store')
  const reconciled = await Promise.all(
    cells.map(({ region }) => reconcileProduct(context, PRODUCT, { region })),
  )
  for (const [i, cell] of cells.entries()) {
    terminal.line(`${cell.region}\n${reconciliationTable(reconciled[i]!)}\n`)
  }

  const first = cells[0]!
  title(`Athena in ${first.region}: trips by borough and hour of the day`)
  const sql = await boroughsByHourSql(join(data, 'taxi_zone_lookup.csv'))
  const boroughs = boroughDays((await first.stores.athena.run(sql)).rows)
  terminal.line(`${boroughTable(boroughs)}\n`)

  title(`A feature in ${first.region}: the busiest zone and hour`)
  const feature = await busiestWindow(context, first.stores)
  if (feature !== undefined) terminal.line(`${featureText(feature)}\n`)

  title(`Decisions in ${first.region}, from features`)
  const decided = await decisions(context, first, cells[1]!)
  terminal.line(`${decisionsText(decided)}\n`)

  const problems = cells.flatMap((cell, i) =>
    disagreements(cell, sent[i]!, readable[i]!, reconciled[i]!),
  )
  if (feature?.agrees !== true) problems.push(`${first.region}: feature and table disagree`)
  if (once && startedNow) await down(context)
  const report = {
    ok: problems.length === 0,
    seconds: Math.round((performance.now() - started) / 100) / 10,
    cells: cells.map(({ region, month }, i) => {
      return { region, month, sent: sent[i], readable: readable[i], reconciliation: reconciled[i] }
    }),
    boroughs,
    feature,
    decisions: decided,
    problems,
  }
  if (problems.length > 0) {
    throw new CommandError('demo.mismatch', problems.join('\n'), { document: report })
  }
  if (!once || !startedNow) printNext(context, feature)
  terminal.document(report)
  terminal.line(`${pc.green('All counts agree.')} ${report.seconds} s in total.`)
}

function sentTable(cells: readonly DemoCell[], results: readonly SendResult[]): string {
  const rows = cells.map(({ region, month }, i) => {
    const { sent, unique, accepted, retried } = results[i]!
    return [region, month, ...[sent, unique, sent - unique, accepted, retried].map(grouped)]
  })
  const head = ['cell', 'file', 'events', 'unique', 'repeated', 'accepted', 'retried']
  return table(head, rows, { right: [2, 3, 4, 5, 6] })
}

function readableTable(cells: readonly DemoCell[], months: readonly ReadableMonth[]): string {
  const inSeconds = (ms?: number) => (ms === undefined ? '' : `${(ms / 1_000).toFixed(1)} s`)
  const rows = cells.map(({ region }, i) => {
    const { rows: counted, distinctIds, freshness } = months[i]!
    const counts = [counted, distinctIds].map(grouped)
    return [region, ...counts, inSeconds(freshness?.p50Ms), inSeconds(freshness?.p95Ms)]
  })
  const head = ['cell', 'rows', 'different ids', 'p50', 'p95']
  return table(head, rows, { right: [1, 2, 3, 4] })
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

/** What is decided of one cell's months; the other's days are those that the first knows nothing of. */
async function decisions(context: CommandContext, first: DemoCell, other: DemoCell) {
  const zones = await productStores(context, first.region, 'surge')
  await waitForEvents(context, 'surge', { region: first.region })
  const ofTrips = first.stores.views.map(({ name }) => name)
  await windowsCaughtUp(context, zones, ['zone-balance'])
  await windowsCaughtUp(context, first.stores, ofTrips)
  return {
    surge: await surgeAnswer(context, zones),
    eta: await etaAnswer(context, first.region),
    etaError: await etaError(context, first.stores, other.stores),
    payment: await paymentAnswer(context, first.stores),
  }
}

function decisionsText({
  surge,
  eta,
  etaError: error,
  payment,
}: Awaited<ReturnType<typeof decisions>>): string {
  const said = [surge, eta, payment].flatMap((asked) =>
    asked === undefined
      ? []
      : [`${asked.answer.decision}: ${asked.what}\n${decisionText(asked.answer)}`],
  )
  const off = `Estimates of ${grouped(error.trips)} trips of the next month are off by ${error.estimate} s on average, the mean of all trips by ${error.naive} s.`
  return [...said, off].join('\n\n')
}

function printNext({ terminal, target }: CommandContext, feature?: FeatureAnswer): void {
  const prefix = target.kind === 'local' && target.port !== 4566 ? `WEIR_PORT=${target.port} ` : ''
  const weir = (text: string) => terminal.line(`  ${prefix}npm run -s weir -- ${text}`)
  terminal.line(pc.bold('Still running. Try:'))
  weir(
    `query "select payment_type, count(*), avg(tip_amount) from ${PRODUCT} group by 1" --region eu-west-1`,
  )
  weir(`quarantine list ${PRODUCT} --region us-east-1`)
  if (feature !== undefined) {
    weir(
      `features get ${feature.values.view} ${feature.values.key} --region us-east-1 --at ${feature.at}`,
    )
  }
  weir(
    `send ${PRODUCT} products/${PRODUCT}/data/${MONTHS[0].file} --region us-east-1   # again: nothing new in the table, the rejected rows in quarantine once more`,
  )
  weir('decide surge-multiplier zone=161 --region us-east-1 --at 2019-01-15T23:00:00Z')
  weir('query "select outcome, reasons, features from fraud" --region us-east-1')
  weir(`reconcile ${PRODUCT} --region us-east-1`)
  weir('status')
  weir('down')
  terminal.line()
}

const registerDemo: Register = (program, run) => {
  program
    .command('demo', { isDefault: true })
    .description(
      'Starts the local cloud, deploys two cells, sends two months of real trips and shows what came of it.',
    )
    .option('--once', 'stop the local cloud at the end, if this run started it')
    .action((options: { once?: boolean }, command: Command) =>
      run(command, (context) => demo(context, options.once ?? false)),
    )
}

await runAsProcess([registerDemo])
