import { takeRows } from '#lib/domain/kernel/columns.ts'
import { contentHash } from '#lib/domain/kernel/content-hash.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type DataFile, dataFile } from '#lib/domain/lake/data-file.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { partitionRows } from '#lib/domain/lake/partition.ts'
import type { Predicate } from '#lib/domain/lake/predicate/predicate.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import {
  FEATURE_TIME_COLUMN,
  featureTableLocation,
  featureTableSchema,
  featureTableSpec,
} from '#lib/domain/process/feature-table.ts'
import type { Backfill, Round } from './backfill.ts'
import { requireBackfill } from './backfill-store.ts'
import { refuseOverBudget } from './budget.ts'
import type { ChunkRecord } from './chunk-record.ts'
import { RowComparison } from './compare-rows.ts'
import { chunkRange } from './plan.ts'
import {
  type BackfillDependencies,
  type BackfilledView,
  backfilledView,
  tableAt,
} from './range-tables.ts'
import { refuseStopped } from './stop.ts'
import type { ComputeWindows } from './window-rows.ts'

export interface RunChunkDependencies extends BackfillDependencies {
  readonly compute: ComputeWindows
}

/** What nothing names is spared for a day; files of a chunk that is older than this are put again before they are named. */
export const CHUNK_FRESH_MS = 12 * 3_600_000

/**
 * Computes a chunk of the current round from what the round has pinned, writes its rows as files under names of their
 * content, and then its record, if there is none. So a chunk may be run any number of times, by anybody, side by side: the
 * files are the same and the record is the first one's.
 *
 * Throws `backfill.stopped` once somebody has stopped it or its budget is used up.
 */
export async function runChunk(
  deps: RunChunkDependencies,
  id: string,
  chunk: string,
): Promise<ChunkRecord> {
  const { store, clock } = deps
  const backfill = await requireBackfill(store, id)
  refuseStopped(backfill)
  const round = requireRound(backfill)
  const known = await store.chunk(id, round.number, chunk)
  const staleBeforeMs = clock.nowMs() - CHUNK_FRESH_MS
  if (known !== undefined && known.atMs >= staleBeforeMs) return known
  await refuseOverBudget(deps, backfill)
  const made = await computed(deps, backfill, round, chunk)
  return await store.recordChunk(id, made, staleBeforeMs)
}

/** Throws `backfill.notRunning` for one that has not begun. */
export function requireRound({ id, round, state }: Backfill): Round {
  if (round !== undefined) return round
  throw new PlatformError('backfill.notRunning', `backfill ${id} is ${state}: it has not begun`)
}

async function computed(
  deps: RunChunkDependencies,
  backfill: Backfill,
  round: Round,
  chunk: string,
): Promise<ChunkRecord> {
  const { lake, contracts, compute, clock } = deps
  const { request, plan } = backfill
  const target = backfilledView(deps, request)
  const range = chunkRange(request, plan!, chunk)
  const comparison = await presentRows(deps, target, round, range)
  const files: DataFile[] = []
  if (round.source !== null) {
    const source = await tableAt(lake, target.source, round.source)
    const wanted = { view: target.view, contracts, source, ...range, computedAtMs: round.atMs }
    for await (const rows of compute(wanted)) {
      files.push(...(await writeRows(deps, backfill, target, comparison.addComputed(rows))))
    }
  }
  return {
    round: round.number,
    chunk,
    files,
    hash: contentHash(Buffer.from(JSON.stringify(files.map(({ path }) => path)))),
    ...comparison.counts(),
    atMs: clock.nowMs(),
  }
}

async function presentRows(
  { lake }: RunChunkDependencies,
  { view, contract, target }: BackfilledView,
  { present }: Round,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<RowComparison> {
  const comparison = new RowComparison(view, contract)
  const table = await tableAt(lake, target, present)
  const column = FEATURE_TIME_COLUMN
  const where: Predicate = {
    kind: 'and',
    of: [
      { kind: 'compare', column, op: '>=', value: BigInt(from) },
      { kind: 'compare', column, op: '<', value: BigInt(to) },
    ],
  }
  const scan = await planScan(lake.objects, table, where)
  const { fields } = featureTableSchema(view, contract)
  for (const file of scan.files) {
    comparison.addPresent(await readPlanned(scan, file, { fields }, where))
  }
  return comparison
}

/** In a folder of the backfill's own: a file that is live already never has the same name. */
async function writeRows(
  { lake, layout }: RunChunkDependencies,
  { id }: Backfill,
  { view, contract, target }: BackfilledView,
  batch: ReturnType<RowComparison['addComputed']>,
): Promise<readonly DataFile[]> {
  const schema = featureTableSchema(view, contract)
  const folder = `${featureTableLocation(layout, target)}/data/backfill=${id}`
  const written: DataFile[] = []
  for (const { rows, path, partition } of partitionRows(schema, featureTableSpec(), batch)) {
    const encoded = encodeParquet(schema, takeRows(batch, rows))
    const uri = `${folder}/${path}/${contentHash(encoded.bytes)}.parquet`
    await lake.objects.put(uri, encoded.bytes)
    written.push(dataFile(uri, partition, encoded))
  }
  return written
}
