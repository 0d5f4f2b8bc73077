import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { committedFences } from '#lib/domain/ops/committed-fences.ts'
import { CommitTimes, newestCommitted } from '#lib/domain/ops/freshness.ts'
import { eventsInFlight, shardStandings } from '#lib/domain/ops/in-flight.ts'
import { fencesOf, type ProductTable, rowsOf, snapshotsOf } from '#lib/domain/ops/product-tables.ts'
import { durationMs, wholeNumber } from './arguments.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import { lastErrors, problemLine } from './function-errors.ts'
import type { Register } from './program.ts'
import { type ProductStores, productStores } from './stores.ts'
import { counted, grouped } from './terminal.ts'

export interface WaitOptions {
  readonly region: string
  /** @default until nothing is in flight */
  readonly events?: number
  /** Milliseconds. @default 120,000 */
  readonly timeout?: number
}

export interface WaitResult {
  /** Rows of the curated tables. */
  readonly committed: number
  /** The newest committed row: from its arrival in the stream to the snapshot that holds it; null without rows. */
  readonly lagMs: number | null
}

const POLL_MS = 250
const DEFAULT_TIMEOUT_MS = 120_000

/** Waits until so many unique events are in the table, or until nothing is in flight. Fails at the timeout. */
export async function waitForEvents(
  context: CommandContext,
  product: string,
  options: WaitOptions,
): Promise<WaitResult> {
  await productNamed(context, product)
  const stores = await productStores(context, options.region, product)
  const { events, timeout = DEFAULT_TIMEOUT_MS } = options
  const deadline = performance.now() + timeout
  const bar = context.terminal.progress(`committing in ${options.region}`, events ?? 0, 'events')
  try {
    let most = 0
    for (;;) {
      const tables = await stores.tables()
      const committed = rowsOf(tables)
      const inFlight = events === undefined ? await inFlightOf(stores, tables) : 0
      most = Math.max(most, inFlight)
      if (events === undefined) bar.update(most - inFlight, most)
      else bar.update(committed, events)
      const isDone = events === undefined ? inFlight === 0 : committed >= events
      if (isDone) return { committed, lagMs: await lagOf(stores, tables) }
      if (performance.now() > deadline) throw await timedOut(context, stores, tables, options)
      await sleep(POLL_MS, undefined, { signal: context.signal })
    }
  } finally {
    bar.stop()
  }
}

/** Events in the stream or the journal that no table shows yet. */
export async function inFlightOf(
  stores: ProductStores,
  tables: readonly ProductTable[],
): Promise<number> {
  const fences = await committedFences(stores.journal, await fencesOf(tables))
  return eventsInFlight(await shardStandings(stores.stream, stores.journal, fences))
}

async function lagOf(
  stores: ProductStores,
  tables: readonly ProductTable[],
): Promise<number | null> {
  const fences = await committedFences(stores.journal, await fencesOf(tables))
  const newest = await newestCommitted(stores.journal, fences)
  if (newest === undefined) return null
  const committedAtMs = new CommitTimes(snapshotsOf(tables)).of(newest.shard, newest.last)
  return committedAtMs === undefined ? null : Math.round(committedAtMs - newest.arrival.max / 1_000)
}

async function timedOut(
  context: CommandContext,
  stores: ProductStores,
  tables: readonly ProductTable[],
  options: WaitOptions,
): Promise<CommandError> {
  const { events, timeout = DEFAULT_TIMEOUT_MS } = options
  const committed = rowsOf(tables)
  const inFlight = await inFlightOf(stores, tables)
  const what =
    events === undefined
      ? `${counted(committed, 'event')} committed`
      : `${grouped(committed)} of ${counted(events, 'event')} committed`
  const why =
    inFlight > 0
      ? `${grouped(inFlight)} still in flight`
      : 'nothing in flight: the rest was a duplicate, went into quarantine, or was never sent'
  const sinceMs = Date.now() - timeout - 60_000
  const errors =
    inFlight === 0
      ? []
      : await lastErrors(context, stores.deployed, ['archive-events', 'commit-snapshots'], sinceMs)
  const lines = [
    `timeout after ${timeout / 1_000} s: ${what}, ${why}`,
    ...errors.map((error) => problemLine(error)),
  ]
  return new CommandError('wait.timeout', lines.join('\n'), {
    document: { committed, lagMs: await lagOf(stores, tables), inFlight, timedOut: true, errors },
  })
}

export const registerWait: Register = (program, run) => {
  program
    .command('wait')
    .summary('wait until events are committed and readable')
    .description(
      'Waits until a number of unique events are in a product’s table, where Athena reads them; without --events, until nothing is in flight.',
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to look at')
    .option('--events <number>', 'unique events to wait for', wholeNumber)
    .option('--timeout <time>', 'how long at most (default: 120s)', durationMs)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- wait trips --region us-east-1 --events 7500',
        '  npm run weir -- wait trips --region eu-west-1 --timeout 5m',
        '',
        'With --json: {committed, lagMs}. Exit 1 at the timeout, saying how many are there, and what the functions failed with.',
      ].join('\n'),
    )
    .action((product: string, options: WaitOptions, command: Command) =>
      run(command, async (context) => {
        const result = await waitForEvents(context, product, options)
        context.terminal.document(result)
        const lag =
          result.lagMs === null ? '' : `, the newest ${grouped(result.lagMs)} ms after its arrival`
        context.terminal.line(
          `${counted(result.committed, 'event')} committed to ${product} in ${options.region}${lag}`,
        )
      }),
    )
}
