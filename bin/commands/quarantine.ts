import type { Command } from 'commander'
import { sqlText } from '#lib/domain/contract/sql/trino.ts'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { orphanedQuarantine } from '#lib/domain/ops/record-objects.ts'
import { notIn } from '#lib/domain/ops/store-counts.ts'
import { positiveNumber } from './arguments.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import type { Register } from './program.ts'
import { registerReplay } from './quarantine-replay.ts'
import { query } from './query.ts'
import { productStores } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'

export interface QuarantineListOptions {
  readonly region: string
  /** @default 20 */
  readonly limit?: number
  readonly reason?: string
}

/** A rejected event in a list. */
export interface QuarantinedEvent {
  readonly id: string
  readonly reason: string
  /** The place in the event, `data.fare_amount`; null if it is the event as a whole. */
  readonly path: string | null
  readonly detail: string | null
  readonly arrivalTime: string
  readonly contractVersion: string
  readonly eventId: string | null
}

/** A rejected event with everything that is known of it. */
export interface QuarantinedDetails extends QuarantinedEvent {
  readonly eventSource: string | null
  /** The event's exact text; null if the record could not be taken apart. */
  readonly event: string | null
  /** Of a record that could not be taken apart. */
  readonly lengthBytes: number | null
  readonly sha256: string | null
}

export interface QuarantineList {
  readonly total: number
  readonly reasons: Readonly<Record<string, number>>
  /** The newest first. */
  readonly rows: readonly QuarantinedEvent[]
}

const DEFAULT_LIMIT = 20
const COLUMNS = 'quarantine_id, reason, path, detail, arrival_time, contract_version, event_id'

const PURPOSE = { purpose: 'operations' } as const

/** Rejected events of a product, the newest first, and how many there are of each reason. */
export async function listQuarantine(
  context: CommandContext,
  product: string,
  options: QuarantineListOptions,
): Promise<QuarantineList> {
  await productNamed(context, product)
  const from = `from ${product}_quarantine`
  const where = whereAll([
    ...(await rejectedOnly(context, product, options.region)),
    ...(options.reason === undefined ? [] : [`reason = ${sqlText(options.reason)}`]),
  ])
  const [reasons, events] = await Promise.all([
    query(
      context,
      `select reason, count(*) ${from}${where} group by reason order by count(*) desc, reason`,
      { ...PURPOSE, region: options.region },
    ),
    query(
      context,
      `select ${COLUMNS} ${from}${where} order by arrival_time desc, quarantine_id desc limit ${options.limit ?? DEFAULT_LIMIT}`,
      { ...PURPOSE, region: options.region },
    ),
  ])
  const counts = reasons.rows.map(([reason, count]) => [String(reason), Number(count)] as const)
  return {
    total: counts.reduce((sum, [, count]) => sum + count, 0),
    reasons: Object.fromEntries(counts),
    rows: events.rows.map(eventOf),
  }
}

/** One rejected event. Fails with one line if there is none with this id. */
export async function showQuarantined(
  context: CommandContext,
  product: string,
  id: string,
  region: string,
): Promise<QuarantinedDetails> {
  await productNamed(context, product)
  if (!/^[^/]+\/\d{4,}\/\d+$/.test(id)) {
    throw new CommandError(
      'quarantine.id',
      `"${id}" is no quarantine id: write <shard>/<sequence>/<index>, as \`quarantine list\` prints it`,
      { exitCode: 2 },
    )
  }
  const where = whereAll([
    ...(await rejectedOnly(context, product, region)),
    `quarantine_id = ${sqlText(id)}`,
  ])
  const { rows } = await query(
    context,
    `select ${COLUMNS}, event_source, event, length_bytes, sha256 from ${product}_quarantine${where}`,
    { ...PURPOSE, region },
  )
  const row = rows[0]
  if (row === undefined) {
    throw new CommandError(
      'quarantine.unknown',
      `no event ${id} in quarantine of ${product} in ${region}`,
    )
  }
  return {
    ...eventOf(row),
    eventSource: row[7] as string | null,
    event: await opened(context, product, region, id, row[8] as string | null),
    lengthBytes: row[9] as number | null,
    sha256: row[10] as string | null,
  }
}

/** An event that may be personal was stored sealed. */
async function opened(
  context: CommandContext,
  product: string,
  region: string,
  id: string,
  text: string | null,
): Promise<string | null> {
  if (text === null) return null
  const [shard, sequence, index] = id.split('/') as [string, string, string]
  const place = { shard, sequence: parseSequenceNumber(sequence), index: Number(index) }
  return (await productStores(context, region, product)).openRejected(text, place)
}

/** The journal says what was rejected: what a dead attempt of other code left beside it is left out. */
async function rejectedOnly(
  context: CommandContext,
  product: string,
  region: string,
): Promise<readonly string[]> {
  const { journal, objects, layout } = await productStores(context, region, product)
  const orphans = await orphanedQuarantine(journal, objects, layout)
  return orphans.length === 0 ? [] : [notIn(orphans)]
}

function whereAll(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
}

function eventOf(row: readonly unknown[]): QuarantinedEvent {
  const [id, reason, path, detail, arrivalTime, contractVersion, eventId] = row as (string | null)[]
  return {
    id: id!,
    reason: reason!,
    path: path ?? null,
    detail: detail ?? null,
    // Hive tables have no zones; what Weir writes is UTC.
    arrivalTime: /Z$/.test(arrivalTime!) ? arrivalTime! : `${arrivalTime}Z`,
    contractVersion: contractVersion!,
    eventId: eventId ?? null,
  }
}

export const registerQuarantine: Register = (program, run) => {
  const quarantine = program
    .command('quarantine')
    .summary('look at rejected events, and send them again')
    .description(
      'Looks at events that a contract rejected, and sends them again once they are right.',
    )
  quarantine.helpCommand(false)
  quarantine
    .command('list')
    .summary('rejected events and their reasons')
    .description(
      'Lists events that the contract rejected, the newest first, and counts the reasons.',
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to look at')
    .option('--limit <number>', 'events at most (default: 20)', positiveNumber)
    .option('--reason <reason>', 'only those with this reason')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- quarantine list trips --region us-east-1',
        '  npm run weir -- quarantine list trips --region us-east-1 --reason fare_amount.belowMinimum --limit 5',
        '',
        'With --json: {total, reasons, rows: [{id, reason, path, detail, arrivalTime, contractVersion, eventId}]}',
      ].join('\n'),
    )
    .action((product: string, options: QuarantineListOptions, command: Command) =>
      run(command, async (context) => {
        const result = await listQuarantine(context, product, options)
        const { terminal } = context
        terminal.document(result)
        terminal.line(
          `${counted(result.total, 'rejected event')} of ${product} in ${options.region}`,
        )
        if (result.total === 0) return
        const reasons = Object.entries(result.reasons).map(([name, count]) => [
          name,
          grouped(count),
        ])
        terminal.line()
        terminal.line(table(['reason', 'events'], reasons, { right: [1] }))
        terminal.line()
        const rows = result.rows.map((one) => [one.id, one.reason, one.detail ?? ''])
        terminal.line(table(['id', 'reason', 'detail'], rows))
      }),
    )
  quarantine
    .command('show')
    .summary('one rejected event with its bytes')
    .description('Shows one rejected event: why, by which contract, and its exact text.')
    .argument('<product>', 'the data product, such as trips')
    .argument('<id>', '<shard>/<sequence>/<index>, as the list prints it')
    .requiredOption('--region <region>', 'the cell to look at')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- quarantine show trips shardId-000000000000/056496.../0 --region us-east-1',
        '',
        'With --json: {id, reason, path, detail, arrivalTime, contractVersion, eventId, eventSource, event, lengthBytes, sha256}',
      ].join('\n'),
    )
    .action((product: string, id: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const found = await showQuarantined(context, product, id, options.region)
        context.terminal.document(found)
        const rows = Object.entries(found).flatMap(([name, value]) =>
          value === null ? [] : [[name, String(value)]],
        )
        const width = Math.max(...rows.map(([name]) => name!.length))
        for (const [name, value] of rows) context.terminal.line(`${name!.padEnd(width)}  ${value}`)
      }),
    )
  registerReplay(quarantine, run)
}
