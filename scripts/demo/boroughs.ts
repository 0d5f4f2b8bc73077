import { readFile } from 'node:fs/promises'
import { parse } from 'csv-parse/sync'

/** One borough's trips through the day. */
export interface BoroughDay {
  readonly borough: string
  readonly trips: number
  /** Trips that began in each hour of the day, New York time. */
  readonly byHour: readonly number[]
  /** Exact, as Athena gave it. */
  readonly revenue: string
}

/**
 * Trips by borough and hour (Trino's dialect). The zone table is small and belongs to the product, so it travels in the
 * query: the lake need not hold it.
 */
export async function boroughsByHourSql(zoneFile: string): Promise<string> {
  const zones = parse(await readFile(zoneFile), { columns: true, bom: true }) as Record<
    string,
    string
  >[]
  const values = zones.map(
    ({ LocationID, Borough }) => `(${Number(LocationID)}, ${literal(Borough!)})`,
  )
  return [
    `with zones (location_id, borough) as (values ${values.join(', ')})`,
    'select z.borough,',
    "  hour(t.pickup_datetime at time zone 'America/New_York') as hour_of_day,",
    '  count(*) as trips,',
    '  sum(t.total_amount) as revenue',
    'from trips t',
    'join zones z on z.location_id = t.pickup_location_id',
    'group by 1, 2',
    'order by 1, 2',
  ].join('\n')
}

/** The query's rows, a borough each, the busiest first. */
export function boroughDays(rows: readonly (readonly unknown[])[]): readonly BoroughDay[] {
  const days = new Map<string, { byHour: number[]; cents: bigint }>()
  for (const [borough, hour, trips, revenue] of rows) {
    const day = days.get(String(borough)) ?? { byHour: Array<number>(24).fill(0), cents: 0n }
    day.byHour[Number(hour)] = Number(trips)
    day.cents += BigInt(String(revenue).replace('.', ''))
    days.set(String(borough), day)
  }
  return [...days]
    .map(([borough, { byHour, cents }]) => ({
      borough,
      trips: byHour.reduce((sum, count) => sum + count, 0),
      byHour,
      revenue: dollars(cents),
    }))
    .sort((a, b) => b.trips - a.trips)
}

const BARS = ' ▁▂▃▄▅▆▇█'

/** A day as 24 bars, the busiest hour the highest. */
export function sparkline(byHour: readonly number[]): string {
  const most = Math.max(...byHour, 1)
  return byHour.map((count) => BARS[Math.ceil((count / most) * (BARS.length - 1))]).join('')
}

function dollars(cents: bigint): string {
  const text = String(cents < 0n ? -cents : cents).padStart(3, '0')
  return `${cents < 0n ? '-' : ''}${BigInt(text.slice(0, -2)).toLocaleString('en-US')}.${text.slice(-2)}`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
