import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import type { CommandContext } from '../../bin/commands/context.ts'
import { getFeatures } from '../../bin/commands/features.ts'
import type { ProductStores } from '../../bin/commands/stores.ts'
import { windowsCaughtUp } from './windows-caught-up.ts'

export interface FeatureAnswer {
  readonly at: string
  readonly values: FeatureValues
  /** Whether the same window, counted in the table by Athena, gives the same. */
  readonly agrees: boolean
}

const VIEW = 'zone-fares'

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
  await windowsCaughtUp(context, stores, [VIEW])
  const at = new Date(Date.parse(String(hour)) + 1_800_000).toISOString()
  const [values] = await getFeatures(context, VIEW, [String(key)], { region, at })
  const { trip_count: count, fare_sum: sum } = values!.values as Record<string, unknown>
  return { at, values: values!, agrees: count === trips && sameAmount(sum, fares) }
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
