import { readFences } from '#lib/domain/lake/fences.ts'
import { shardStandings } from '#lib/domain/ops/in-flight.ts'
import type { Reconciliation } from '#lib/domain/ops/reconcile.ts'
import type { CommandContext } from '../../bin/commands/context.ts'
import { CommandError } from '../../bin/commands/failure.ts'
import { type SendResult, send } from '../../bin/commands/send.ts'
import { type ProductStores, productStores } from '../../bin/commands/stores.ts'
import { waitForEvents } from '../../bin/commands/wait.ts'
import { type Freshness, measureFreshness } from './freshness.ts'

/** A cell and the month that goes to it. */
export interface DemoCell {
  readonly region: string
  readonly file: string
  readonly month: string
  readonly stores: ProductStores
  /** Events that earlier runs left there: the cell may not be new. */
  readonly receivedBefore: number
}

/** What of a cell can be queried. */
export interface ReadableMonth {
  /** As the newest snapshot counts them. */
  readonly committed: number
  /** As Athena counts them. */
  readonly rows: number
  readonly distinctIds: number
  readonly freshness: Freshness | undefined
}

export const PRODUCT = 'trips'

/** Opens the cell's stores and remembers what is in them already. */
export async function openCell(
  context: CommandContext,
  { region, file, month }: Pick<DemoCell, 'region' | 'file' | 'month'>,
): Promise<DemoCell> {
  const stores = await productStores(context, region, PRODUCT)
  const table = await stores.table()
  const fences = table === undefined ? {} : await readFences(table)
  let receivedBefore = 0
  for (const standing of await shardStandings(stores.stream, stores.journal, fences)) {
    receivedBefore += standing.undecidedEvents
    for await (const entry of stores.journal.newestFirst(standing.shard)) {
      receivedBefore += entry.counts.received
    }
  }
  return { region, file, month, stores, receivedBefore }
}

/** Sends the month, on purpose with resends and in disorder. */
export async function sendMonth(context: CommandContext, cell: DemoCell): Promise<SendResult> {
  const options = { region: cell.region, duplicate: 0.02, shuffle: 30_000, seed: 7 }
  const { result, problems } = await send(context, PRODUCT, cell.file, options)
  if (result.failed > 0) throw new CommandError('demo.send', problems.join('\n'))
  return result
}

/** Sends the same month as what was wanted and freed in zones. */
export async function sendZones(context: CommandContext, cell: DemoCell): Promise<void> {
  const { result, problems } = await send(context, 'surge', cell.file, { region: cell.region })
  if (result.failed > 0) throw new CommandError('demo.send', problems.join('\n'))
}

/** Waits until all of it is decided and readable, and asks Athena. */
export async function readMonth(context: CommandContext, cell: DemoCell): Promise<ReadableMonth> {
  const { committed } = await waitForEvents(context, PRODUCT, { region: cell.region })
  const { rows } = await cell.stores.athena.run(
    `select count(*), count(distinct event_id) from ${PRODUCT}`,
  )
  const [counted, distinctIds] = rows[0]!.map(Number)
  const freshness = await measureFreshness(cell.stores, PRODUCT)
  return { committed, rows: counted!, distinctIds: distinctIds!, freshness }
}

/** What does not add up between what was sent, what can be read and what the stores hold; empty if all does. */
export function disagreements(
  cell: DemoCell,
  sent: SendResult,
  readable: ReadableMonth,
  reconciliation: Reconciliation,
): readonly string[] {
  const received = reconciliation.received - cell.receivedBefore
  const { committed, rows, distinctIds } = readable
  const expectations: [boolean, string][] = [
    [reconciliation.balanced, 'the stores do not balance'],
    [received === sent.sent, `sent ${sent.sent}, but received ${received}`],
    [rows === committed, `the snapshot has ${committed} rows, Athena counts ${rows}`],
    [
      rows === reconciliation.admitted,
      `admitted ${reconciliation.admitted}, Athena counts ${rows}`,
    ],
    [rows === distinctIds, `${rows} rows, but only ${distinctIds} different ids`],
  ]
  return [
    ...expectations.filter(([isTrue]) => !isTrue).map(([, what]) => `${cell.region}: ${what}`),
    ...reconciliation.problems.map((what) => `${cell.region}: ${what}`),
  ]
}
