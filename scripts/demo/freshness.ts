import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { CommitTimes, quantile, type Weighted } from '#lib/domain/ops/freshness.ts'
import type { ProductStores } from '../../bin/commands/stores.ts'

/** From an event's arrival in the stream to the snapshot in which it can be read. */
export interface Freshness {
  readonly rows: number
  readonly p50Ms: number
  readonly p95Ms: number
}

/** Exact, row by row: what the table says of each row's arrival, against the fences of the snapshots. */
export async function measureFreshness(
  stores: ProductStores,
  product: string,
): Promise<Freshness | undefined> {
  const table = await stores.table()
  if (table === undefined) return undefined
  const times = new CommitTimes(table.snapshots)
  const { rows } = await stores.athena.run(
    `select ingest_shard, ingest_sequence, ingest_time, count(*) from ${product} group by 1, 2, 3`,
  )
  const lags: Weighted[] = rows.flatMap(([shard, sequence, arrival, count]) => {
    const committedAtMs = times.of(String(shard), String(sequence) as SequenceNumber)
    if (committedAtMs === undefined) return []
    return [{ value: committedAtMs - Date.parse(String(arrival)), weight: Number(count) }]
  })
  const [p50Ms, p95Ms] = [quantile(lags, 0.5), quantile(lags, 0.95)]
  if (p50Ms === undefined || p95Ms === undefined) return undefined
  return { rows: lags.reduce((sum, one) => sum + one.weight, 0), p50Ms, p95Ms }
}
