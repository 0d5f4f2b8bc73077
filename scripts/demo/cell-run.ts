import type { CommandContext } from '../../bin/commands/context.ts'
import { reconcileProduct } from '../../bin/commands/reconcile.ts'
import { type SendResult, send } from '../../bin/commands/send.ts'
import { productStores, type ProductStores } from '../../bin/commands/stores.ts'
import { CommandError } from '../../bin/commands/failure.ts'
import { waitForEvents } from '../../bin/commands/wait.ts'
import { readFences } from '#lib/domain/lake/fences.ts'
import { shardStandings } from '#lib/domain/ops/in-flight.ts'
import type { Reconciliation } from '#lib/domain/ops/reconcile.ts'
import { type Freshness, measureFreshness } from './freshness.ts'

/** What happened in one cell. */
export interface CellRun {
  readonly region: string
  readonly file: string
  readonly sent: SendResult
  readonly committed: number
  readonly distinctIds: number
  readonly freshness: Freshness | undefined
  readonly reconciliation: Reconciliation
  /** What does not add up; empty if all does. */
  readonly problems: readonly string[]
}

export const PRODUCT = 'trips'

/** Sends a month to a cell, on purpose with resends and in disorder, and follows it until it can be queried. */
export async function runCell(
  context: CommandContext,
  region: string,
  file: string,
): Promise<CellRun & { readonly stores: ProductStores }> {
  const stores = await productStores(context, region, PRODUCT)
  const before = await receivedSoFar(stores)
  const { result: sent, problems: refused } = await send(context, PRODUCT, file, {
    region,
    duplicate: 0.02,
    shuffle: 30_000,
    seed: 7,
  })
  if (sent.failed > 0) throw new CommandError('demo.send', refused.join('\n'))
  const { committed } = await waitForEvents(context, PRODUCT, { region })
  const { rows } = await stores.athena.run(`select count(*), count(distinct event_id) from ${PRODUCT}`)
  const [counted, distinctIds] = rows[0]!.map(Number)
  const reconciliation = await reconcileProduct(context, PRODUCT, { region })
  const received = reconciliation.received - before
  const expectations: [boolean, string][] = [
    [reconciliation.balanced, 'the stores do not balance'],
    [received === sent.sent, `sent ${sent.sent}, but received ${received}`],
    [counted === committed, `the snapshot says ${committed} rows, Athena counts ${counted}`],
    [
      counted === reconciliation.admitted,
      `admitted ${reconciliation.admitted}, but Athena counts ${counted}`,
    ],
    [counted === distinctIds, `${counted} rows, but only ${distinctIds} different ids`],
  ]
  return {
    region,
    file,
    stores,
    sent,
    committed,
    distinctIds: distinctIds!,
    freshness: await measureFreshness(stores, PRODUCT),
    reconciliation,
    problems: [
      ...expectations.filter(([isTrue]) => !isTrue).map(([, what]) => what),
      ...reconciliation.problems,
    ].map((what) => `${region}: ${what}`),
  }
}

/** Events that earlier runs left: the cell may not be new. */
async function receivedSoFar(stores: ProductStores): Promise<number> {
  const table = await stores.table()
  const fences = table === undefined ? {} : readFences(table)
  let received = 0
  for (const standing of await shardStandings(stores.stream, stores.journal, fences)) {
    received += standing.undecidedEvents
    for await (const entry of stores.journal.newestFirst(standing.shard)) {
      received += entry.counts.received
    }
  }
  return received
}
