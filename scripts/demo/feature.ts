import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { type Predecessor, type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { CommandContext } from '../../bin/commands/context.ts'
import { CommandError } from '../../bin/commands/failure.ts'
import { getFeatures } from '../../bin/commands/features.ts'
import type { ProductStores } from '../../bin/commands/stores.ts'

export interface FeatureAnswer {
  readonly at: string
  readonly values: FeatureValues
  /** Whether the same window, counted in the table by Athena, gives the same. */
  readonly agrees: boolean
}

const VIEW = 'zone-fares'
const TIMEOUT_MS = 60_000

/** The view's busiest window, read as a feature and checked against the table. */
export async function busiestWindow(
  context: CommandContext,
  stores: ProductStores,
): Promise<FeatureAnswer | undefined> {
  const region = stores.deployed.cell.region
  const { rows } = await stores.athena.run(
    [
      "select pickup_location_id, to_iso8601(date_trunc('hour', dropoff_datetime)), count(*), sum(fare_amount)",
      'from trips group by 1, 2 order by 3 desc, 1, 2 limit 1',
    ].join('\n'),
  )
  const row = rows[0]
  if (row === undefined) return undefined
  const [key, hour, trips, fares] = row
  await windowsCaughtUp(context, stores)
  const at = new Date(Date.parse(String(hour)) + 1_800_000).toISOString()
  const [values] = await getFeatures(context, VIEW, [String(key)], { region, at })
  const { trip_count: count, fare_sum: sum } = values!.values as Record<string, unknown>
  return { at, values: values!, agrees: count === trips && sameAmount(sum, fares) }
}

/** Windows follow the journal by themselves, like the table: waits until they are as far. */
async function windowsCaughtUp(context: CommandContext, stores: ProductStores): Promise<void> {
  const { slotsTable, cell } = stores.deployed
  const client = new DynamoDBClient(context.target.clientConfig(cell.region))
  const slots = new DynamoDbSlotStore({ client, tableName: slotsTable })
  const deadline = performance.now() + TIMEOUT_MS
  for (const { shard } of await stores.journal.shards()) {
    const head = await stores.journal.head(shard)
    while (head !== undefined && !reached((await slots.cursor(VIEW, shard)).position, head.last)) {
      if (performance.now() > deadline) {
        throw new CommandError(
          'demo.windows',
          `windows of ${shard} are behind the journal after 60 s`,
        )
      }
      await sleep(250, undefined, { signal: context.signal })
    }
  }
}

function reached(position: Predecessor, head: SequenceNumber): boolean {
  return position !== START && position >= head
}

function sameAmount(feature: unknown, table: unknown): boolean {
  const digits =
    typeof feature === 'object' && feature !== null && 'rawJSON' in feature
      ? String(feature.rawJSON)
      : String(feature)
  return cents(digits) === cents(String(table))
}

function cents(text: string): bigint {
  const [whole = '0', fraction = ''] = text.split('.')
  return BigInt(whole + fraction.slice(0, 2).padEnd(2, '0'))
}
