import { userInfo } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { Command } from 'commander'
import { DynamoDbBackfillStore } from '#lib/adapters/dynamodb/dynamodb-backfill-store.ts'
import { announceOnBus } from '#lib/adapters/eventbridge/event-bus.ts'
import { StateMachine } from '#lib/adapters/stepfunctions/state-machine.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import type { Announce } from '#lib/domain/backfill/announce.ts'
import type { Decision } from '#lib/domain/backfill/backfill.ts'
import type { BackfillDependencies } from '#lib/domain/backfill/range-tables.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import { refuseBlank } from './arguments.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { productOfView } from './feature-arguments.ts'
import { productStores } from './stores.ts'

/** What commands about backfills work with, in one cell. */
export interface BackfillStores extends BackfillDependencies {
  readonly product: string
  readonly region: string
  readonly machine: StateMachine
  readonly announce: Announce
}

/** Opens the stores of a product's backfills. Fails with one line if it has none. */
export async function backfillStores(
  context: CommandContext,
  product: string,
  region: string,
): Promise<BackfillStores> {
  const stores = await productStores(context, region, product)
  const { deployed, lake, layout, contracts, views } = stores
  if (deployed.backfillMachine === undefined) {
    throw new CommandError(
      'backfill.notDeployed',
      `product "${product}" has no features that could be backfilled in ${region}, or was deployed by another version: run \`npm run weir -- up\``,
    )
  }
  const client = new DynamoDBClient(context.target.clientConfig(region))
  const service = { client, endpoint: context.target.endpoint }
  const pause = (ms: number) => sleep(ms, undefined, { signal: context.signal })
  return {
    product,
    region,
    store: new DynamoDbBackfillStore({ client, tableName: deployed.slotsTable }),
    lake,
    layout,
    database: deployed.cell.database,
    contracts,
    views,
    clock: systemClock,
    swap: { pause: jitteredBackoff({ sleep: pause, random: Math.random }) },
    machine: new StateMachine(service, deployed.backfillMachine),
    announce: announceOnBus(service),
  }
}

/** The stores of the product whose view a backfill is of: its id begins with the view's name. */
export async function storesOfBackfill(
  context: CommandContext,
  id: string,
  region: string,
): Promise<BackfillStores> {
  const [, view] = /^(.+)-\d{8}-\d{8}-[0-9a-f]{8}$/.exec(id) ?? []
  if (view === undefined) {
    throw new CommandError(
      'backfill.badId',
      `"${id}" names no backfill: they are called <view>-<first day>-<last day>-<8 letters>, see \`weir backfill history\``,
      { exitCode: 2 },
    )
  }
  const { name } = await productOfView(context.root, view)
  return backfillStores(context, name, region)
}

export interface WhoOptions {
  readonly by?: string
  readonly reason: string
}

/** Adds the options that say who decides, and why. */
export function saysWho(command: Command, why: string): Command {
  return command
    .requiredOption('--reason <text>', why, refuseBlank)
    .option('--by <name>', 'who decides (default: the user of this computer)', refuseBlank)
}

export function decisionOf({ by, reason }: WhoOptions): Decision {
  return { by: by ?? userInfo().username, reason, atMs: Date.now() }
}
