import { setTimeout as sleep } from 'node:timers/promises'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import type { Command } from 'commander'
import { KinesisRecordSink } from '#lib/adapters/kinesis/kinesis-record-sink.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { type ContractVersions, contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { sqlText } from '#lib/domain/contract/sql/trino.ts'
import { Producer, type ProducerEvent } from '#lib/domain/ingest/producer.ts'
import { type ReplayReport, replayQuarantine } from '#lib/domain/ingest/replay-quarantine.ts'
import type { AdmittedEvent } from '#lib/domain/ingest/replay-sending.ts'
import { committedFences } from '#lib/domain/ops/committed-fences.ts'
import { fencesOf } from '#lib/domain/ops/product-tables.ts'
import { isSettled, streamTips } from '#lib/domain/ops/settled.ts'
import { instantMs, positiveNumber } from './arguments.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import type { Run } from './program.ts'
import { type ProductStores, productStores } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'

export interface QuarantineReplayOptions {
  readonly region: string
  readonly reason?: string
  /** Arrival, milliseconds since the epoch, half-open. */
  readonly since?: number
  readonly until?: number
  readonly limit?: number
  readonly dryRun?: boolean
}

export interface QuarantineReplayResult extends ReplayReport {
  readonly dryRun: boolean
  /** The contract that judged them. */
  readonly contractVersion: string
}

const SETTLE_TIMEOUT_MS = 120_000
const POLL_MS = 500

/** Judges a product's rejected events with today's contract, and sends those that it takes again. */
export async function replayQuarantined(
  context: CommandContext,
  productName: string,
  options: QuarantineReplayOptions,
): Promise<QuarantineReplayResult> {
  const product = await productNamed(context, productName)
  const contracts = contractVersions(product.documents)
  const stores = await productStores(context, options.region, productName)
  const { reason, since, until, limit, dryRun = false } = options
  const bar = context.terminal.progress('looking through quarantine', 0, 'events')
  try {
    const report = await replayQuarantine(
      {
        contracts,
        journal: stores.journal,
        objects: stores.objects,
        open: stores.openRejected,
        layout: stores.layout,
        clock: systemClock,
        admitted: (ids, sinceMicros) => admittedEvents(stores, ids, sinceMicros),
        settled: () => settled(context, stores),
        send: (events, untilMs) => sendAgain(context, stores, contracts, events, untilMs),
      },
      {
        ...(reason === undefined ? {} : { reason }),
        ...(since === undefined ? {} : { sinceMicros: since * 1_000 }),
        ...(until === undefined ? {} : { untilMicros: until * 1_000 }),
        ...(limit === undefined ? {} : { limit }),
        dryRun,
        onProgress: (considered) => bar.update(considered, considered),
      },
    )
    return { dryRun, contractVersion: contracts.current.version, ...report }
  } finally {
    bar.stop()
  }
}

async function admittedEvents(
  stores: ProductStores,
  ids: readonly string[],
  sinceMicros: number,
): Promise<readonly AdmittedEvent[]> {
  const found: AdmittedEvent[] = []
  for (const { name, table: current } of await stores.tables()) {
    if (current === undefined) continue
    const { rows } = await stores.athena.run(
      [
        'select event_source, event_id, cast(round(to_unixtime(ingest_time) * 1000) as bigint)',
        `from ${name}`,
        `where ingest_time >= from_unixtime(${Math.floor(sinceMicros / 1_000_000)})`,
        `and event_id in (${ids.map(sqlText).join(', ')})`,
      ].join(' '),
    )
    for (const [source, id, arrivalMs] of rows) {
      const arrivalMicros = Number(arrivalMs) * 1_000
      found.push({ source: String(source), id: String(id), arrivalMicros })
    }
  }
  return found
}

/** Waits until what the stream holds now is in the tables. */
async function settled(context: CommandContext, stores: ProductStores): Promise<void> {
  const { journal, stream } = stores
  const tips = await streamTips(stream, journal)
  const deadline = performance.now() + SETTLE_TIMEOUT_MS
  while (!isSettled(tips, await committedFences(journal, await fencesOf(await stores.tables())))) {
    if (performance.now() > deadline) {
      throw new CommandError(
        'quarantine.unsettled',
        `a replay was left unfinished, and what it sent is not in the table after ${SETTLE_TIMEOUT_MS / 1_000} s: see to the archive first, then repeat`,
      )
    }
    await sleep(POLL_MS, undefined, { signal: context.signal })
  }
}

async function sendAgain(
  context: CommandContext,
  stores: ProductStores,
  contracts: ContractVersions,
  events: readonly ProducerEvent[],
  untilMs: number,
): Promise<void> {
  const { region } = stores.layout
  const client = new KinesisClient({ ...context.target.clientConfig(region), maxAttempts: 1 })
  const producer = new Producer({
    sink: new KinesisRecordSink({ client, streamName: stores.deployed.streamName }),
    sleep: async (ms) => sleep(ms, undefined, { signal: context.signal }),
    random: Math.random,
    spread: contracts.current.spread,
    signal: AbortSignal.any([
      context.signal,
      AbortSignal.timeout(Math.max(0, untilMs - systemClock.nowMs())),
    ]),
  })
  for (const event of events) await producer.send(event)
  await producer.close()
}

/** Adds `quarantine replay`. */
export function registerReplay(quarantine: Command, run: Run): void {
  quarantine
    .command('replay')
    .summary('send rejected events again that today’s contract takes')
    .description(
      [
        'Judges rejected events with the contract as it is in this project now, and sends those that it takes through the',
        'stream again, as the same events. Deploy the contract first. Repeating it, also after it was broken off, adds',
        'nothing twice. A record that could not be decoded cannot be replayed: its bytes are sealed, nobody knows what is in',
        'them; its producer has to send it again.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to replay in')
    .option('--reason <reason>', 'only those that were rejected with this reason')
    .option('--since <time>', 'only those that arrived at or after this time', instantMs)
    .option('--until <time>', 'only those that arrived before this time', instantMs)
    .option('--limit <number>', 'send at most so many', positiveNumber)
    .option('--dry-run', 'say what would be sent, and send nothing')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- quarantine replay trips --region us-east-1 --dry-run',
        '  npm run weir -- quarantine replay trips --region us-east-1 --reason fare_amount.belowMinimum --since 2026-01-31',
        '',
        'With --json: {dryRun, contractVersion, considered, sent, alreadyAdmitted, replayedBefore, notYet, left: {reason: n}}.',
        'Each event considered is in exactly one of the numbers after it.',
      ].join('\n'),
    )
    .action((product: string, options: QuarantineReplayOptions, command: Command) =>
      run(command, async (context) => {
        const result = await replayQuarantined(context, product, options)
        const { terminal } = context
        terminal.document(result)
        const { considered, sent, alreadyAdmitted, replayedBefore, notYet } = result
        terminal.line(
          `${counted(considered, 'rejected event')} of ${product} in ${options.region}, judged by contract ${result.contractVersion}: ` +
            `${grouped(sent)} ${result.dryRun ? 'would be sent' : 'sent'}, ${grouped(alreadyAdmitted)} in the table already, ` +
            `${grouped(replayedBefore)} replayed before${notYet === 0 ? '' : `, ${grouped(notYet)} beyond the limit`}`,
        )
        const left = Object.entries(result.left).map(([reason, count]) => [
          reason,
          grouped(count),
          reason.startsWith('undecodable.') ? 'cannot be replayed: its producer has it' : '',
        ])
        if (left.length === 0) return
        terminal.line()
        terminal.line(table(['left', 'events', ''], left, { right: [1] }))
      }),
    )
}
