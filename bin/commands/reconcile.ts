import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import pc from 'picocolors'
import type { Fences } from '#lib/domain/lake/fences.ts'
import { committedFences } from '#lib/domain/ops/committed-fences.ts'
import { gatherEvidence } from '#lib/domain/ops/gather-evidence.ts'
import { eventsInFlight, shardStandings } from '#lib/domain/ops/in-flight.ts'
import { fencesOf, type ProductTable } from '#lib/domain/ops/product-tables.ts'
import { type Reconciliation, reconcile } from '#lib/domain/ops/reconcile.ts'
import { durationMs } from './arguments.ts'
import { type CommandContext, productNamed } from './context.ts'
import { CommandError } from './failure.ts'
import type { Register } from './program.ts'
import { type ProductStores, productStores } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'

export interface ReconcileOptions {
  readonly region: string
  /** How long to wait for events in flight, milliseconds. @default 30,000 */
  readonly settle?: number
}

const DEFAULT_SETTLE_MS = 30_000
const POLL_MS = 500

/** Counts a product's events in every store of a cell and holds the numbers against each other. */
export async function reconcileProduct(
  context: CommandContext,
  product: string,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const { contract } = await productNamed(context, product)
  const stores = await productStores(context, options.region, product)
  const { fences, tables } = await settle(context, stores, options.settle ?? DEFAULT_SETTLE_MS)
  const bar = context.terminal.progress(`reading the stream in ${options.region}`, 0, 'events')
  try {
    const evidence = await gatherEvidence(
      {
        ...stores,
        retention: contract.retention,
        // Exactly the snapshots that the fences were read from: what is committed meanwhile is not counted.
        tables: tables.flatMap(({ name, table }) => {
          const snapshotId = table?.currentSnapshot?.snapshotId
          return snapshotId === undefined ? [] : [{ name, snapshotId }]
        }),
        nowMs: Date.now(),
        query: async (sql) => (await stores.athena.run(sql)).rows,
        onProgress: (read, total) => bar.update(read, total),
      },
      fences,
    )
    return reconcile(evidence)
  } finally {
    bar.stop()
  }
}

/** The tables and how far they are together, once nothing is in flight or the time is over. */
async function settle(
  context: CommandContext,
  stores: ProductStores,
  timeoutMs: number,
): Promise<{ readonly fences: Fences; readonly tables: readonly ProductTable[] }> {
  const deadline = performance.now() + timeoutMs
  const bar = context.terminal.progress('waiting for events in flight', 0, 'events')
  try {
    let most = 0
    for (;;) {
      const tables = await stores.tables()
      const fences = await committedFences(stores.journal, await fencesOf(tables))
      const standings = await shardStandings(stores.stream, stores.journal, fences)
      const inFlight = eventsInFlight(standings)
      if (inFlight === 0 || performance.now() > deadline) return { fences, tables }
      most = Math.max(most, inFlight)
      bar.update(most - inFlight, most)
      await sleep(POLL_MS, undefined, { signal: context.signal })
    }
  } finally {
    bar.stop()
  }
}

/** What retention has taken out of the count, one line; undefined if nothing. */
export function expiredLine({ expired }: Reconciliation): string | undefined {
  const parts = [
    ...(expired.raw > 0 ? [`raw of ${counted(expired.raw, 'event')}`] : []),
    ...(expired.quarantined > 0 ? [`${counted(expired.quarantined, 'row')} of quarantine`] : []),
  ]
  if (parts.length === 0) return undefined
  return `expired by retention: ${parts.join(' and ')}; the journal still counts them`
}

/** Why it does not balance, one line each. */
export function imbalance(result: Reconciliation): readonly string[] {
  const flying =
    result.inFlight === 0
      ? []
      : [
          `${counted(result.inFlight, 'event')} in flight: received, not in the table yet; everything before them ${result.problems.length === 0 ? 'balances' : 'does not balance'}`,
        ]
  return [...flying, ...result.problems]
}

const HEAD = [
  'shard',
  'received',
  'admitted',
  'duplicate',
  'rejected',
  'raw',
  'curated',
  'quarantined',
  'in flight',
] as const

/** The counts as a table, a line per shard. */
export function reconciliationTable(result: Reconciliation): string {
  const row = (name: string, one: Omit<Reconciliation['shards'][number], 'shard'>) => [
    name,
    ...[one.received, one.admitted, one.duplicate, one.rejected, one.raw, one.curated].map(grouped),
    ...[one.quarantined, one.inFlight].map(grouped),
  ]
  const rows = result.shards.map((one) => row(one.shard, one))
  if (rows.length !== 1) rows.push(row('all', result))
  return table(HEAD, rows, { right: [1, 2, 3, 4, 5, 6, 7, 8] })
}

export const registerReconcile: Register = (program, run) => {
  program
    .command('reconcile')
    .summary('prove from the stores that nothing vanished and nothing doubled')
    .description(
      [
        'Counts the events of a product in the stream, raw, the journal, the curated table and quarantine, each in its own',
        'store, and holds the numbers against each other: received = admitted + duplicate + rejected.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .requiredOption('--region <region>', 'the cell to count')
    .option('--settle <time>', 'how long to wait for events in flight (default: 30s)', durationMs)
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- reconcile trips --region us-east-1',
        '',
        'With --json: {received, admitted, duplicate, rejected, raw, curated, quarantined, balanced, inFlight, expired,',
        'shards, problems}. Exit 1 if it does not balance, with a line for each number that disagrees.',
      ].join('\n'),
    )
    .action((product: string, options: ReconcileOptions, command: Command) =>
      run(command, async (context) => {
        const result = await reconcileProduct(context, product, options)
        context.terminal.line(reconciliationTable(result))
        const expired = expiredLine(result)
        if (expired !== undefined) context.terminal.line(expired)
        if (!result.balanced) {
          throw new CommandError('reconcile.unbalanced', imbalance(result).join('\n'), {
            document: result,
          })
        }
        context.terminal.document(result)
        context.terminal.line(pc.green('balanced'))
      }),
    )
}
